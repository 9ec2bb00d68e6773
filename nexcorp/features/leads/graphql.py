"""Leads in GraphQL: one, a page of them, and the lead of a notification."""

from __future__ import annotations

from typing import Any

import strawberry

from nexcorp.db import sql
from nexcorp.domain.fields import load
from nexcorp.features.leads import service
from nexcorp.features.leads.lists import NEWEST, find_list
from nexcorp.features.leads.routes import READ
from nexcorp.features.leads.schemas import Lead, LeadQuery
from nexcorp.graphql.parts import Info, Part, member, root
from nexcorp.graphql.shapes import list_of, maybe, read_id, shape_of
from nexcorp.web.parsing import parse_uuid

LEAD = shape_of(Lead)


@root(maybe(LEAD), READ)
async def get_lead(info: Info, id: strawberry.ID) -> Any:
    """One lead."""
    lead_id = parse_uuid(id, "id")
    async with info.context.connection() as conn:
        return await service.get_lead(conn, lead_id)


@root(list_of(LEAD), READ)
async def get_leads(
    info: Info,
    limit: int | None = None,
    cursor: str | None = None,
    stage: str | None = None,
    owner: strawberry.ID | None = None,
) -> Any:
    """Leads, newest first: 20, or up to 100. `cursor`: that of the last lead you have."""
    asked = {"limit": limit, "cursor": cursor, "stage": stage, "owner": owner}
    query = load(LeadQuery(), {name: value for name, value in asked.items() if value is not None})
    info.context.take_rows(query["limit"])
    of_list, statement, filters = find_list(query, info.context.caller)
    async with info.context.connection() as conn:
        rows = await of_list.fetch(info.context.request, conn, query, statement, **filters)
    return rows[: query["limit"]]


@member(str)
def cursor(root: Any, info: Info) -> str:
    """The `cursor` of the page after this item."""
    return NEWEST.encode(info.context.request, root)


@member(maybe(LEAD))
async def related_lead(root: Any, info: Info) -> Any:
    """The lead that the notification leads to; null if it has none, or you may not see it."""
    lead_id = read_id(root, "relatedLeadId")
    if lead_id is None or not info.context.caller.may(service.READ):
        return None
    return await info.context.load(sql.leads.find_leads, lead_id)


PART = Part({"Query": [get_lead, get_leads], "Lead": [cursor], "Notification": [related_lead]})
