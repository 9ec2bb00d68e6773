"""What is kept for a while only: frames, answers, tickets, tokens, mails, ended keys, months of the trail.

And what was written of people who have left, behind their leaving.
"""

from __future__ import annotations

from typing import Any

import structlog

from nexcorp.db import sql
from workers.jobs.leaving import LATE_MINUTES, leave_again

log = structlog.get_logger("nexcorp.cleanup")

PART = 10_000
MONTHS_AHEAD = 3


async def clean_up(ctx: Any) -> None:
    """Delete in parts, so that no lock is held for long; safe to run at any time and twice."""
    database, config = ctx["database"], ctx["config"]
    frames = 0
    while True:
        async with database.transaction(wait=10.0) as conn:
            gone = await sql.realtime.delete_old_frames(conn, days=config.frame_retention_days, most=PART)
        frames += gone
        if not gone:
            break
    async with database.connection(wait=10.0) as conn:
        await sql.idempotency.delete_old_keys(conn)
        await sql.auth.delete_old_tickets(conn)
        await sql.auth.delete_old_sessions(conn)
        await sql.keys.delete_old_keys(conn)
        await sql.account_tokens.delete_old_tokens(conn)
        await sql.mails.delete_old_mails(conn)
        await sql.invitations.delete_old_invitations(conn)
        await sql.usernames.delete_old_names(conn)
        await sql.exports.delete_old_exports(conn)
        await sql.events.delete_old_beats(conn)
        made = await sql.events.ensure_partitions(conn, months_ahead=MONTHS_AHEAD)
        dropped = await sql.audit.drop_partitions(conn, keep_days=config.event_retention_days)
    await leave_again(ctx, LATE_MINUTES)
    log.info("cleaned up", frames=frames, partitions=made, dropped=dropped)
