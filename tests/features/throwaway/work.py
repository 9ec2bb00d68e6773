"""The job of badges, and badges for the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.manifest import Demo
from tests.features.throwaway.statements import sql


async def polish_badges(ctx: Any) -> None:
    """Polish all unpolished badges; safe to repeat."""
    async with ctx["database"].connection(wait=5.0) as conn:
        await sql.polish_badges(conn)


async def give_demo_badges(conn: Any, demo: Demo) -> None:
    """Let the first person of the demo give a badge to the second."""
    giver, holder = demo.people[:2]
    shelf = await sql.insert_shelf(conn, owner_id=giver, open=True)
    await sql.give_badge(
        conn, shelf_id=shelf, giver_id=giver, holder_id=holder, name="First of all", context={}
    )
