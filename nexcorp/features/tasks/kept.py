"""Lists and statistics of tasks, cached in Redis for minutes with CACHE=on.

Entries are kept for each person, and dropped by every change of a task of theirs or of their projects. A
cached list is not trusted about what a person may see: before it is shown, the database says which of its
tasks they see now, and in which version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import decode, encode, row_to_dict
from nexcorp.domain.tasks import ALL_KEPT, name_person, name_project
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.security.app_keys import CONFIG, caller, database, stay_on_primary
from nexcorp.web.cache import CACHE

SECONDS = 300
# Larger pages are not cached: Redis holds the queue as well, and one person must not fill it.
MOST_BYTES = 128 * 1024

Make = Callable[[], Awaitable[Any]]


def name_key(request: web.Request) -> str:
    """Build the key of an answer within its groups: the caller, their rights, and the query."""
    who = caller(request)
    asked = [request.path, who.may(MANAGE), who.principal.role_version, sorted(request.query.items())]
    return f"{who.id}:{hashlib.blake2b(encode(asked), digest_size=16).hexdigest()}"


async def read_kept(request: web.Request, make: Make, *groups: str) -> dict[str, Any]:
    """Return the cached answer, or else that of `make`, which is cached. Without CACHE=on, call `make`."""
    if not request.app[CONFIG].cache:
        made: dict[str, Any] = await make()
        return made
    stay_on_primary(request)

    async def make_bytes() -> bytes:
        return encode(await make())

    group, *also = groups
    kept: dict[str, Any] = decode(
        await request.app[CACHE].load(group, name_key(request), SECONDS, make_bytes, *also, most=MOST_BYTES)
    )
    return kept


async def read_list(request: web.Request, make: Make) -> dict[str, Any]:
    """Return a list of tasks as read_kept() does, but make it anew if one of its tasks changed or is hidden
    from the caller now."""
    if not request.app[CONFIG].cache:
        made: dict[str, Any] = await make()
        return made
    stay_on_primary(request)
    who = caller(request)
    sees_all = who.may(MANAGE)
    groups = [ALL_KEPT]
    if not sees_all:
        async with database(request).connection() as conn:
            reach = await sql.task_kept.list_reach(conn, user_id=who.id)
        groups = [name_person(who.id), *(name_project(one) for one in reach or ())]
    kept = await read_kept(request, make, *groups)
    ids = [UUID(task["id"]) for task in kept["data"]]
    async with database(request).connection() as conn:
        rows = await sql.task_kept.find_live(conn, viewer_id=who.id, sees_all=sees_all, ids=ids)
    live = {str(row["_id"]): row for row in rows}
    for task in kept["data"]:
        row = live.get(task["id"])
        if row is None or row["version"] != task["version"]:
            made = await make()
            return made
        task.update(row_to_dict(row))
    return kept
