"""Search over REST."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
from aiohttp import web

from nexcorp.domain.searching import searching
from nexcorp.errors import Invalid, PermissionRequired
from nexcorp.features.search.schemas import FoundPage, SearchQuery
from nexcorp.features.search.spelling import correct
from nexcorp.manifest import SearchKind
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.paging import LAST_ID, Cursor, cut_page
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

# A correction may take this long; after that the answer has no results.
CORRECTION_MILLISECONDS = 200

FOUND: Cursor[tuple[float, UUID]] = Cursor(
    "search", tuple[float, UUID], (math.inf, LAST_ID), score="score", recency="_recency"
)


async def find(
    conn: Any,
    viewer: Caller,
    text: str,
    kinds: Sequence[SearchKind],
    before: tuple[float, UUID],
    most: int,
) -> list[Any]:
    """Return up to `most` rows of all `kinds` after `before`, by score; of equal scores the newest first."""
    score, recency = before
    rows: list[Any] = []
    for kind in kinds:
        more = {"sees_all": viewer.may(kind.all_with)} if kind.all_with is not None else {}
        rows += await kind.find(
            conn,
            viewer_id=viewer.id,
            text=text,
            before_score=score,
            before_recency=recency,
            most=most,
            **more,
        )
    rows.sort(key=lambda row: (row["score"], row["_recency"]), reverse=True)
    return rows[:most]


def choose_kinds(request: web.Request, name: str | None) -> tuple[list[SearchKind], list[SearchKind]]:
    """Return the requested kinds, and all kinds that the caller has the permission for.

    `name`: one kind, or None for all of them. Raises Invalid for an unknown kind, PermissionRequired.
    """
    known: dict[str, SearchKind] = request.app[PRODUCT].search
    may = caller(request).may
    allowed = [kind for kind in known.values() if may(kind.permission)]
    if name is None:
        return allowed, allowed
    if name not in known:
        raise Invalid(errors={"kind": [f"Must be one of: {', '.join(known)}."]})
    if known[name] not in allowed:
        raise PermissionRequired(known[name].permission)
    return [known[name]], allowed


async def search(request: web.Request, query: dict[str, Any]) -> web.Response:
    before = FOUND.read(request, query)
    kinds, allowed = choose_kinds(request, query.get("kind"))
    viewer, text, most = caller(request), query["q"], query["limit"] + 1
    async with searching(database(request)) as conn:
        rows = await find(conn, viewer, text, kinds, before, most)
    meant = None
    if not rows:
        with suppress(asyncpg.QueryCanceledError):
            async with searching(database(request), CORRECTION_MILLISECONDS) as conn:

                async def finds(word: str) -> bool:
                    return bool(await find(conn, viewer, word, allowed, FOUND.start, 1))

                meant = await correct(conn, text, finds)
                if meant is not None:
                    rows = await find(conn, viewer, meant, kinds, before, most)
    page, cursor = cut_page(request, rows, query["limit"], FOUND)
    return reply({"data": page, "nextCursor": cursor, "didYouMean": meant if rows else None})


ROUTES = [
    get(
        "/search",
        search,
        "Search posts, comments, people, tasks, projects and files",
        FoundPage(),
        query=SearchQuery(),
        access=allow("post:read"),
        heavy=True,
        stale=True,
        tag="Social",
        description=(
            "Words match by their English stem, regardless of case, accents and width. All words must "
            "occur, and parts written together, as in `node.js`, must stand together. In scripts without "
            "spaces any part matches. The last word may be the beginning of a person's name. Of each "
            "kind, the newest 500 matches are ranked. New entries are found at once, changed ones within "
            "a second, and text typed into a file once it is saved. Of each text file, 100,000 "
            "characters are searched. People need `user:read`, tasks `task:read`, projects and files "
            "`project:read`, and you find only those that you may see. Comments on tasks are not found."
        ),
    )
]
