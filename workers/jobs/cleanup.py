"""The hourly cleanup of data that is kept for a limited time.

Frames, tickets, tokens, mails, ended keys and push subscriptions; months of the audit trail; read
notifications and their deliveries; webhook deliveries; tasks and files in the trash; old messages; settled
updates of texts; contents without a version; and data written about people after they left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from nexcorp.collab.versions import sweep_contents
from nexcorp.db import sql
from nexcorp.domain.tasks import purge_tasks
from workers.jobs.inbox import retire_notifications
from workers.jobs.leaving import LATE_MINUTES, leave_again
from workers.jobs.messages import purge_conversations, retire_messages
from workers.jobs.months import make_months
from workers.settling import drop_settled

log = structlog.get_logger("nexcorp.cleanup")

PART = 10_000


async def repeat(ctx: Any, step: Callable[..., Awaitable[int]], **values: Any) -> int:
    """Call `step(conn, most=PART, ...)` until it finds nothing; return how many it found in all.

    Each call has its own transaction, so that no lock is held for long.
    """
    found = 0
    while True:
        async with ctx["database"].transaction(wait=10.0) as conn:
            part = await step(conn, **values, most=PART)
        if not part:
            return found
        found += part


async def delete_frames(ctx: Any) -> int:
    """Delete frames that are too old; return how many."""
    return await repeat(ctx, sql.realtime.delete_old_frames, days=ctx["config"].frame_retention_days)


async def delete_rows(ctx: Any) -> None:
    """Delete expired keys, tickets, sessions, tokens, mails and the like."""
    async with ctx["database"].connection(wait=10.0) as conn:
        await sql.idempotency.delete_old_keys(conn)
        await sql.auth.delete_old_tickets(conn)
        await sql.push.delete_over(conn)
        await sql.auth.delete_old_sessions(conn)
        await sql.keys.delete_old_keys(conn)
        await sql.account_tokens.delete_old_tokens(conn)
        await sql.mails.delete_old_mails(conn)
        await sql.invitations.delete_old_invitations(conn)
        await sql.usernames.delete_old_names(conn)
        await sql.exports.delete_old_exports(conn)
        await sql.imports.delete_old_imports(conn)
        await sql.events.delete_old_beats(conn)
        await sql.overview.delete_old_samples(conn)
        await sql.preferences.leave_unknown_zones(conn)


async def drop_months(ctx: Any) -> int:
    """Drop months of the trail that are too old; return how many."""
    async with ctx["database"].connection(wait=10.0) as conn:
        return await sql.audit.drop_partitions(conn, keep_days=ctx["config"].event_retention_days) or 0


async def delete_parts(ctx: Any) -> int:
    """Delete old rows of notifications and webhooks; return how many."""
    gone = 0
    for statement in (
        sql.aging.delete_old_archived,
        sql.aging.delete_old_groups,
        sql.preferences.delete_old_held,
        sql.deliveries.delete_old_deliveries,
        sql.deliveries.delete_old_digests,
        sql.preferences.delete_ended_mutes,
        sql.webhooks_sending.delete_old_deliveries,
    ):
        gone += await repeat(ctx, statement)
    return gone


async def purge_part(conn: Any, most: int) -> int:
    """Delete some tasks that have been in the trash for too long; return how many."""
    rows = await sql.tasks.list_old_trash(conn, most=most)
    return await purge_tasks(conn, [row["id"] for row in rows], actor_id=None, context={}) if rows else 0


async def purge_trash(ctx: Any) -> int:
    """Delete all tasks that have been in the trash for too long; return how many."""
    return await repeat(ctx, purge_part)


async def purge_files(ctx: Any) -> int:
    """Delete files that have been in the trash for too long; return how many."""
    purged, part = 0, PART
    while part == PART:
        async with ctx["database"].transaction(wait=10.0) as conn:
            part = await sql.files.purge_trash(conn, most=PART) or 0
        purged += part
    return purged


STEPS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "frames": delete_frames,
    "rows": delete_rows,
    "partitions": lambda ctx: make_months(ctx["database"]),
    "dropped": drop_months,
    "retired": retire_notifications,
    "notifications": delete_parts,
    "trash": purge_trash,
    "updates": lambda ctx: drop_settled(ctx["database"]),
    "files": purge_files,
    "messages": retire_messages,
    "conversations": purge_conversations,
    "contents": lambda ctx: sweep_contents(ctx["database"]),
    "left": lambda ctx: leave_again(ctx, LATE_MINUTES),
}


async def clean_up(ctx: Any) -> None:
    """Run every step, even if others fail; safe to run at any time and twice.

    Raises the error of the last step that failed, so that the job is tried again.
    """
    done: dict[str, object] = {}
    failure = None
    for name, step in STEPS.items():
        try:
            done[name] = await step(ctx)
        except Exception as error:
            # Not the message: PostgreSQL quotes rows in it.
            log.warning("cleaning up is not complete yet", step=name, error=type(error).__name__)
            failure = error
    if failure is not None:
        raise failure
    log.info("cleaned up", **done)
