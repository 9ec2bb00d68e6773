"""The job that counts usage by day."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

# As far back as GET /admin/usage shows.
DAYS = 90


async def count_usage(ctx: Any) -> None:
    """Count today, and past days that are not counted yet; safe to run at any time and twice.

    One statement for each day: what a run does not reach, the next one does.
    """
    async with ctx["database"].connection(wait=10.0) as conn:
        rows = await sql.usage.list_uncounted(conn, days=DAYS)
    for row in rows:
        async with ctx["database"].connection(wait=10.0) as conn:
            await sql.usage.count_day(conn, day=row["day"])
