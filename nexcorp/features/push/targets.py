"""For senders: find the subscriptions of users, and store the outcomes of messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.integrations.push import Outcome, Subscription


@dataclass(frozen=True, slots=True)
class Target:
    """A subscription: its id, and the form that nexcorp.integrations.push takes."""

    id: UUID
    subscription: Subscription


async def find_targets(conn: Any, user_ids: Iterable[UUID]) -> dict[UUID, list[Target]]:
    """Return the valid subscriptions of these users, by user; users without one are left out.

    Call this just before sending: sessions end, and browsers pass to other users.
    """
    found: dict[UUID, list[Target]] = {}
    for row in await sql.push.list_for_users(conn, user_ids=list(user_ids)):
        to = Subscription(row["endpoint"], row["p256dh"], row["auth"])
        found.setdefault(row["user_id"], []).append(Target(row["id"], to))
    return found


async def note_outcomes(conn: Any, outcomes: Mapping[UUID, Outcome]) -> None:
    """Store the outcomes of messages, by the id of their target; delete subscriptions that are gone."""
    by_state: dict[str, list[UUID]] = {}
    for target_id, outcome in outcomes.items():
        by_state.setdefault(outcome.state, []).append(target_id)
    if gone := by_state.get("gone"):
        await sql.push.remove_gone(conn, ids=gone)
    if sent := by_state.get("sent"):
        await sql.push.note_sent(conn, ids=sent)
    if failed := by_state.get("later", []) + by_state.get("refused", []):
        await sql.push.note_failed(conn, ids=failed)
