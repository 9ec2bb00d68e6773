"""Folding: if one person causes too many notifications of a type to another, the rest is told as one.

A minute later the event `<type>.folded`, as `mention.folded`, tells how many there are, and leads to the
last.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import FOLDED
from workers.batch import Batch, Told


async def fold(conn: Any, batch: Batch, known: Container[str], most: int) -> None:
    """Hold back notices of a batch beyond `most` in a minute for each sender, receiver and type; 0: no limit.

    `known`: the types of event of all features; if `<type>.folded` is among them, notices of <type> fold.
    """
    if not most:
        return
    groups: dict[tuple[UUID, UUID, str], list[Told]] = {}
    for told in batch.told:
        actor_id, notice = told.event.actor_id, told.notice
        if actor_id is not None and f"{notice.type}.{FOLDED}" in known and notice.variant != FOLDED:
            groups.setdefault((told.receiver, actor_id, notice.type), []).append(told)
    if not groups:
        return
    receivers, actors, types = zip(*groups, strict=True)
    counts = await sql.telling.count_lately(
        conn, receiver_ids=list(receivers), actor_ids=list(actors), types=list(types), most=most
    )
    items = list(groups.values())
    held = [told for row in counts for told in items[row["place"] - 1][most - row["told"] :]]
    if not held:
        return
    entities = [told.entity for told in held]
    await sql.telling.hold_notices(
        conn,
        receiver_ids=[told.receiver for told in held],
        actor_ids=[told.event.actor_id for told in held],
        types=[told.notice.type for told in held],
        entity_types=[kind for kind, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
        once_keys=[told.once_key for told in held],
    )
    gone = {id(told) for told in held}
    batch.told = [told for told in batch.told if id(told) not in gone]
