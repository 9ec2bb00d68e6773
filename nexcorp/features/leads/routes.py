"""Leads over REST."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.searching import searching
from nexcorp.errors import PreconditionFailed
from nexcorp.features.leads import interactions, merging, schemas, service
from nexcorp.features.leads.errors import (
    InteractionNotFound,
    LeadDuplicate,
    LeadMerged,
    LeadNotFound,
    NotYourInteraction,
)
from nexcorp.features.leads.events import ROOM
from nexcorp.features.leads.lists import find_list
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import CONTEXT, caller, database, user_id
from nexcorp.web.paging import FIRST_ID, LAST_ID, LAST_TIME, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post, put
from nexcorp.web.transactions import transaction

LATEST: Cursor[tuple[datetime, UUID]] = Cursor(
    "interactions", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before="happenedAt", before_id="id"
)
MOVES_OLDEST: Cursor[tuple[UUID]] = Cursor("lead-moves", tuple[UUID], (FIRST_ID,), after="id")


async def create_lead(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        lead = await service.create_lead(
            tx.conn, user_id(request), body, allow_duplicate=body["allowDuplicate"]
        )
        location = f"{API_PREFIX}/leads/{lead['id']}"
        return await tx.reply(lead, 201, location=location, version=lead["version"])


async def list_leads(request: web.Request, query: dict[str, Any]) -> web.Response:
    request[CONTEXT].heavy = "q" in query
    source: AbstractAsyncContextManager[Any] = database(request).connection()
    if "q" in query:
        source = searching(database(request))
    cursor, statement, filters = find_list(query, caller(request))
    async with source as conn:
        place = await read_place(request, conn, ROOM)
        rows = await cursor.fetch(request, conn, query, statement, **filters)
    return reply_page(request, rows, query["limit"], cursor, **place)


async def get_lead(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_lead(conn, path_id(request)))


async def update_lead(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await change(request, body)


async def score_lead(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await change(request, body)


async def move_lead(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await change(request, body)


async def change(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Change the fields in `body` of the lead in the path."""
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        lead = await service.update_lead(
            tx.conn, caller(request), path_id(request), body, versions, by_etag=by_etag
        )
        return await tx.reply(lead, version=lead["version"])


async def delete_lead(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_lead(tx.conn, caller(request), path_id(request), versions)
    return no_content()


async def merge_leads(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        lead = await merging.merge_leads(tx.conn, caller(request), path_id(request), body["fromId"], versions)
        return await tx.reply(lead, version=lead["version"])


async def list_lead_moves(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        lead = await service.get_lead(conn, path_id(request))
        rows = await MOVES_OLDEST.fetch(request, conn, query, sql.leads.list_moves, lead_id=lead["id"])
    return reply_page(request, rows, query["limit"], MOVES_OLDEST)


async def add_interaction(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await interactions.add_interaction(tx.conn, caller(request), path_id(request), body)
        return await tx.reply(row, 201, version=row["version"])


async def list_interactions(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        lead = await service.get_lead(conn, path_id(request))
        rows = await LATEST.fetch(request, conn, query, sql.leads.list_interactions, lead_id=lead["id"])
    return reply_page(request, rows, query["limit"], LATEST)


async def update_interaction(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    lead_id, interaction_id = path_id(request), path_id(request, "interactionId")
    async with transaction(request) as tx:
        row = await interactions.update_interaction(
            tx.conn, caller(request), lead_id, interaction_id, body, versions, by_etag
        )
        return await tx.reply(row, version=row["version"])


async def delete_interaction(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    lead_id, interaction_id = path_id(request), path_id(request, "interactionId")
    async with transaction(request) as tx:
        await interactions.delete_interaction(tx.conn, caller(request), lead_id, interaction_id, versions)
    return no_content()


TAG = "Leads"
READ = allow("lead:read")
WRITE = allow("lead:update", whose="needs lead:read, too")
GONE = (LeadNotFound, LeadMerged)
ROUTES = [
    post(
        "/leads",
        create_lead,
        "Add a lead",
        schemas.Lead(),
        body=schemas.CreateLead(),
        errors=(LeadDuplicate,),
        access=allow("lead:create"),
        tag=TAG,
        description="People who may read leads are notified. If a lead with the same e-mail address or "
        "phone number exists, however these are written, the answer is 409 unless you send "
        "`allowDuplicate`.",
    ),
    get("/leads", list_leads, "Leads", schemas.LeadPage, query=schemas.LeadQuery(), access=READ, tag=TAG),
    get("/leads/{id}", get_lead, "One lead", schemas.Lead(), errors=GONE, access=READ, tag=TAG),
    patch(
        "/leads/{id}",
        update_lead,
        "Change a lead",
        schemas.Lead(),
        body=schemas.UpdateLead(),
        errors=(*GONE, LeadDuplicate),
        access=WRITE,
        tag=TAG,
    ),
    delete(
        "/leads/{id}",
        delete_lead,
        "Delete a lead",
        errors=(*GONE, PreconditionFailed),
        access=allow("lead:delete"),
        tag=TAG,
        description="Its interactions and its log are deleted, too, for good. Tasks and notifications "
        "stay, without the lead.",
    ),
    put(
        "/leads/{id}/score",
        score_lead,
        "Score a lead",
        schemas.Lead(),
        body=schemas.ScoreLead(),
        errors=(*GONE, PreconditionFailed),
        access=WRITE,
        tag=TAG,
        description="People who may read leads are notified if the score changes.",
    ),
    put(
        "/leads/{id}/stage",
        move_lead,
        "Move a lead to another stage",
        schemas.Lead(),
        body=schemas.MoveLead(),
        errors=(*GONE, PreconditionFailed),
        access=WRITE,
        tag=TAG,
        description="From any stage to any other; `lost` needs a `lostReason`.",
    ),
    get(
        "/leads/{id}/stage-log",
        list_lead_moves,
        "Stage changes of a lead, oldest first",
        schemas.LeadMovePage,
        query=PageQuery(),
        errors=GONE,
        access=READ,
        stale=True,
        tag=TAG,
    ),
    post(
        "/leads/{id}/merge",
        merge_leads,
        "Merge another lead into this one",
        schemas.Lead(),
        200,
        body=schemas.MergeLead(),
        errors=(*GONE, PreconditionFailed),
        access=WRITE,
        tag=TAG,
        description="Interactions, tasks and moves of the other lead become this one's. Its values fill "
        "this lead's empty fields; where both have different values, a note keeps the other's. The "
        "other lead leaves all lists, its texts are wiped, and its id answers 404 `lead_merged`, "
        "with `mergedInto`.",
    ),
    post(
        "/leads/{id}/interactions",
        add_interaction,
        "Record a call, a mail, a meeting, or anything else",
        schemas.Interaction(),
        body=schemas.CreateInteraction(),
        errors=GONE,
        access=WRITE,
        tag=TAG,
    ),
    get(
        "/leads/{id}/interactions",
        list_interactions,
        "Interactions with a lead, latest first",
        schemas.InteractionPage,
        query=PageQuery(),
        errors=GONE,
        access=READ,
        stale=True,
        tag=TAG,
    ),
    patch(
        "/leads/{id}/interactions/{interactionId}",
        update_interaction,
        "Change your interaction",
        schemas.Interaction(),
        body=schemas.UpdateInteraction(),
        errors=(*GONE, InteractionNotFound, NotYourInteraction),
        access=allow("lead:update", whose="its author only"),
        tag=TAG,
    ),
    delete(
        "/leads/{id}/interactions/{interactionId}",
        delete_interaction,
        "Delete an interaction",
        errors=(*GONE, InteractionNotFound, NotYourInteraction, PreconditionFailed),
        access=allow("lead:update", whose="its author, and holders of lead:delete"),
        tag=TAG,
    ),
]
