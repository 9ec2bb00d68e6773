"""Interactions with leads: calls, mails, meetings and notes, which their authors may change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.versions import Versions, check_version
from nexcorp.features.leads.errors import InteractionNotFound, NotYourInteraction
from nexcorp.features.leads.service import READ, get_lead
from nexcorp.security.caller import Caller

REMOVE_ALL = "lead:delete"


async def emit_interaction(conn: Any, what: str, actor_id: UUID, interaction: Any) -> None:
    """Emit an event of an interaction, with its lead as the entity."""
    payload = {"interactionId": interaction["id"], "kind": interaction["kind"]}
    entity = ("lead", interaction["leadId"])
    await emit(conn, f"lead.interaction_{what}", actor_id=actor_id, entity=entity, payload=payload)


async def get_interaction(conn: Any, lead_id: UUID, interaction_id: UUID) -> Any:
    """Return one interaction with a lead; raises NotFound."""
    found = await sql.leads.get_interaction(conn, lead_id=lead_id, interaction_id=interaction_id)
    if found is None:
        await get_lead(conn, lead_id)
        raise InteractionNotFound()
    return found


async def add_interaction(conn: Any, caller: Caller, lead_id: UUID, data: dict[str, Any]) -> Any:
    """Add an interaction `{kind, text, happenedAt?}` to a lead; returns it. Raises NotFound, Forbidden."""
    caller.require(READ)
    await sql.leads.lock_lead(conn, lead_id=lead_id)
    await get_lead(conn, lead_id)
    interaction_id = await sql.leads.insert_interaction(
        conn,
        lead_id=lead_id,
        author_id=caller.id,
        kind=data["kind"],
        text=data["text"],
        happened_at=data.get("happenedAt"),
    )
    interaction = await get_interaction(conn, lead_id, interaction_id)
    await emit_interaction(conn, "created", caller.id, interaction)
    return interaction


async def update_interaction(
    conn: Any,
    caller: Caller,
    lead_id: UUID,
    interaction_id: UUID,
    data: dict[str, Any],
    versions: Versions | None,
    by_etag: bool,
) -> Any:
    """Change the fields in `data` of the caller's interaction; returns it. Equal values change nothing.

    Raises NotFound, Forbidden, and for old `versions` PreconditionFailed (`by_etag`) or StaleVersion.
    """
    caller.require(READ)
    await sql.leads.lock_lead(conn, lead_id=lead_id)
    before = await get_interaction(conn, lead_id, interaction_id)
    if before["_authorId"] != caller.id:
        raise NotYourInteraction()
    check_version(before, versions, by_etag=by_etag)
    if all(before[name] == value for name, value in data.items()):
        return before
    await sql.leads.update_interaction(
        conn,
        interaction_id=interaction_id,
        kind=data.get("kind"),
        text=data.get("text"),
        happened_at=data.get("happenedAt"),
    )
    interaction = await get_interaction(conn, lead_id, interaction_id)
    await emit_interaction(conn, "updated", caller.id, interaction)
    return interaction


async def delete_interaction(
    conn: Any, caller: Caller, lead_id: UUID, interaction_id: UUID, versions: Versions | None = None
) -> None:
    """Delete an interaction, as its author or a holder of lead:delete; raises NotFound, Forbidden,
    PreconditionFailed."""
    caller.require(READ)
    await sql.leads.lock_lead(conn, lead_id=lead_id)
    interaction = await get_interaction(conn, lead_id, interaction_id)
    if interaction["_authorId"] != caller.id and not caller.may(REMOVE_ALL):
        raise NotYourInteraction(
            message=f"Only the author and holders of {REMOVE_ALL} may delete an interaction."
        )
    check_version(interaction, versions)
    await sql.leads.delete_interaction(conn, interaction_id=interaction_id)
    await emit_interaction(conn, "deleted", caller.id, interaction)
