"""Ranks: the order of a column, as numbers with gaps. Where a gap is used up, its neighbours are spread.

In 10,000 moves to one spot this happens some 800 times, to about 130 tasks each; in moves to random places or
to an end it does not. Fractions would run out after 50 such moves, and texts would grow by a letter every few
moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.errors import Invalid
from nexcorp.security.caller import Caller

GAP = 2**20
# JavaScript's exact integers reach 2**53; the table refuses ranks beyond this.
LIMIT = 2**52
# The number of tasks that are spread at first, and the smallest gap that spreading may leave.
SPREAD = 64
LEAST_GAP = 2**10

Ranked = tuple[UUID, int]


def find_middle(above: int | None, below: int | None) -> int | None:
    """Return a rank between two neighbours (None: the end of the column), or None if there is no room."""
    if above is None and below is None:
        return GAP
    if below is None:
        rank = (above or 0) + GAP
    elif above is None:
        rank = below - GAP
    else:
        rank = (above + below) // 2
        if not above < rank < below:
            return None
    return rank if abs(rank) <= LIMIT else None


def spread(count: int, above: int | None, below: int | None) -> list[int] | None:
    """Return `count` ranks between two bounds (None: the end of the column), or None if there is no room."""
    if above is not None and below is not None:
        gap = (below - above) // (count + 1)
        ranks = [above + gap * place for place in range(1, count + 1)]
    elif above is not None:
        gap, ranks = GAP, [above + GAP * place for place in range(1, count + 1)]
    elif below is not None:
        gap, ranks = GAP, [below - GAP * place for place in range(count, 0, -1)]
    else:
        # The whole column moves, to the middle of the range.
        gap = min(GAP, LIMIT // count)
        ranks = [gap * (place - count // 2) for place in range(count)]
    if gap < LEAST_GAP or abs(ranks[0]) > LIMIT or abs(ranks[-1]) > LIMIT:
        return None
    return ranks


async def find_place(
    conn: Any, caller: Caller, task_id: UUID, project_id: UUID, status: str, place: dict[str, UUID]
) -> tuple[int, dict[UUID, int]]:
    """Return the rank of a task that moves `{before}` or `{after}` another one of a locked column, and the
    new ranks of others that are spread for it, which are written. Raises Invalid if the other task is not
    there."""
    rank, ranks = await plan_place(conn, caller, task_id, project_id, status, place)
    if ranks:
        await sql.tasks.set_ranks(conn, ids=list(ranks), ranks=list(ranks.values()))
    return rank, ranks


async def plan_place(
    conn: Any, caller: Caller, task_id: UUID, project_id: UUID, status: str, place: dict[str, UUID]
) -> tuple[int, dict[UUID, int]]:
    """Return the same as find_place(), but write nothing."""
    [(word, other_id)] = place.items()
    column: dict[str, Any] = {"project_id": project_id, "status": status}
    rank = await sql.task_board.get_rank(
        conn, task_id=other_id, **column, viewer_id=caller.id, sees_all=caller.may("task:manage")
    )
    if rank is None or other_id == task_id:
        raise Invalid(errors={"place": ["There is no such other task in this column."]})
    other = (other_id, rank)
    half = SPREAD // 2
    while True:
        from_here: dict[str, Any] = {**column, "rank": rank, "id": other_id, "but": task_id, "most": half}
        above: list[Ranked] = [
            (row["id"], row["rank"]) for row in await sql.task_board.list_above(conn, **from_here)
        ]
        below: list[Ranked] = [
            (row["id"], row["rank"]) for row in await sql.task_board.list_below(conn, **from_here)
        ]
        (below if word == "before" else above).insert(0, other)
        middle = find_middle(first_rank(above), first_rank(below))
        if middle is not None:
            return middle, {}
        ranks = spread_around(task_id, above, below, half)
        if ranks is not None:
            mine = ranks.pop(task_id)
            return mine, ranks
        half *= 2


def first_rank(ranked: Sequence[Ranked]) -> int | None:
    """Return the rank of the nearest task, or None without one."""
    return ranked[0][1] if ranked else None


def spread_around(
    task_id: UUID, above: Sequence[Ranked], below: Sequence[Ranked], half: int
) -> dict[UUID, int] | None:
    """Return new ranks for a task and its neighbours, given the nearest first on either side. The farthest on
    a side stays as the bound, unless the column ends there. None if there is no room."""
    bound_above = above[-1][1] if len(above) >= half else None
    bound_below = below[-1][1] if len(below) >= half else None
    moved_above = above[:-1] if bound_above is not None else above
    moved_below = below[:-1] if bound_below is not None else below
    ids = [*(one for one, _ in reversed(moved_above)), task_id, *(one for one, _ in moved_below)]
    ranks = spread(len(ids), bound_above, bound_below)
    if ranks is None:
        return None
    was = dict([*above, *below])
    return {one: rank for one, rank in zip(ids, ranks, strict=True) if was.get(one) != rank}
