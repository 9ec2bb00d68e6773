"""Many mentions by one person: the receiver gets a few notifications, then one for all the rest."""

from __future__ import annotations

import asyncio
from typing import Any

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from nexcorp.features.notifications.service import list_notifications
from nexcorp.web.paging import LAST_ID
from tests.api import check_counters
from workers.delivery import Delivery
from workers.jobs.folding import tell_folded


async def shown(database: Any, user: Any) -> list[str]:
    """Return the titles of a person's notifications, newest first, without the actor; all must be unread."""
    async with database.connection(wait=5) as conn:
        inbox = await list_notifications(conn, user, {"limit": 100}, LAST_ID)
    assert inbox.unread == len(inbox.rows)
    return [PRODUCT.sentences.show(row)["title"].partition(" ")[2] for row in inbox.rows]


async def make_due(database: Any) -> None:
    """Make the folded notices due, as if a minute had passed."""
    async with database.connection(wait=5) as conn:
        await conn.execute("UPDATE folded_notices SET due_at = now()")
        await conn.execute(
            "UPDATE notifications SET position = overlay(position::text PLACING '00' FROM 1)::uuid"
        )


async def test_sixty_mentions_of_a_minute_come_to_a_few_notifications(
    database: Any, people: Any, comment: Any, pushed: Any
) -> None:
    victim, other, pest, friend = await people(4)
    workers = [Delivery(database, pushed, PRODUCT, mentions_a_minute=5) for _ in range(2)]
    for number in range(60):
        await comment(pest, mentioned=[victim, other] if number < 3 else [victim])
        if number % 20 == 0:
            await comment(friend, mentioned=[victim])
            await workers[0].drain()
    await workers[0].drain()
    once = "mentioned you"
    assert await shown(database, victim) == [once] * 8
    assert await shown(database, other) == [once] * 3
    ctx = {"database": database}
    await tell_folded(ctx)
    await workers[0].drain()
    assert len(await shown(database, victim)) == 8
    await make_due(database)
    await tell_folded(ctx)
    await workers[0].drain()
    assert sorted(await shown(database, victim)) == [*[once] * 8, "mentioned you again (55)"]
    last = pushed.frames(f"user:{victim}")[-1]
    assert (last["event"], last["data"]["type"]) == ("notification:created", "mention")
    # The next minute counts anew.
    for _ in range(12):
        await comment(pest, mentioned=[victim])
    await asyncio.gather(*(worker.drain() for worker in workers))
    told = await shown(database, victim)
    assert 9 + 4 <= len(told) <= 9 + 10, told
    await make_due(database)
    await tell_folded(ctx)
    await workers[0].drain()
    times = [int(title.partition("(")[2].rstrip(")") or 1) for title in await shown(database, victim)]
    assert sum(times) == 60 + 3 + 12
    async with database.transaction(wait=5) as conn:
        await sql.posts.fill_stats(conn)
    await check_counters(Holder(database))


class Holder:
    """The part of a service that check_counters() needs."""

    def __init__(self, database: Any) -> None:
        self.db = database
