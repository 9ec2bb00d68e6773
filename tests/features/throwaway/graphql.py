"""Badges in GraphQL: a query, and a field of what another feature shows."""

from __future__ import annotations

from typing import Any

from nexcorp.graphql.parts import Info, Part, member, root
from nexcorp.graphql.shapes import list_of, maybe, read_id, shape_of
from nexcorp.security.access import allow
from nexcorp.web.paging import LAST_ID
from nexcorp.web.parsing import parse_uuid
from tests.features.throwaway.schemas import Badge
from tests.features.throwaway.statements import sql

BADGE = shape_of(Badge)


@root(list_of(BADGE), allow("badge:read"))
async def get_badges(info: Info, shelf_id: str) -> Any:
    """The badges on a shelf."""
    async with info.context.connection() as conn:
        return await sql.list_badges(
            conn,
            shelf_id=parse_uuid(shelf_id, "shelfId"),
            viewer_id=info.context.caller.id,
            before=LAST_ID,
            most=100,
        )


@member(maybe(BADGE))
async def badge(root: Any, info: Info) -> Any:
    """The badge that it tells of."""
    entity = root["entity"]
    if entity is None or entity["type"] != "badge":
        return None
    return await info.context.load(sql.find_badges, read_id(entity, "id"))


PART = Part({"Query": [get_badges], "Notification": [badge]})
