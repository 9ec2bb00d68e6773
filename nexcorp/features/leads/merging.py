"""Merge two leads into one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.delivery import emit
from nexcorp.domain.tasks import give_to_lead
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid
from nexcorp.features.leads.service import READ, get_lead, read_fields, to_columns
from nexcorp.security.caller import Caller

# Fields that the surviving lead takes over if it has no value; fill() does value and currency together.
FILLED = ("company", "email", "phone", "jobTitle", "website", "ownerId", "notes")
# Fields that a note keeps where the leads differ, and their names in the note; `value` with its currency.
NOTED = {
    "name": "Name",
    "company": "Company",
    "email": "E-mail",
    "phone": "Phone",
    "jobTitle": "Job title",
    "website": "Website",
    "source": "Source",
    "stage": "Stage",
    "score": "Score",
    "ownerId": "Owner",
    "value": "Value",
    "lostReason": "Reason of the loss",
    "lostNote": "Note on the loss",
    "notes": "Notes",
}
# The most characters in the text of an interaction.
PIECE = 5000


async def merge_leads(
    conn: Any, caller: Caller, lead_id: UUID, from_id: UUID, versions: Versions | None = None
) -> Any:
    """Merge the lead `from_id` into the lead `lead_id`; returns the latter.

    The surviving lead gets the other one's interactions, tasks and moves, and its fields where it has none;
    notes keep the fields in which they differ. The other lead stays as a reference, without texts.
    Raises NotFound, Forbidden, PreconditionFailed, and Invalid for a `from_id` that is not another lead.
    """
    caller.require(READ)
    if from_id == lead_id:
        raise Invalid(errors={"fromId": ["Is the same lead."]})
    await sql.tasks.lock_tasks_of_lead(conn, lead_id=from_id)
    await sql.leads.lock_for_removal(conn, ids=[lead_id, from_id])
    lead = await get_lead(conn, lead_id)
    check_version(lead, versions)
    other = await sql.leads.get_lead(conn, lead_id=from_id)
    if other is None:
        raise Invalid(errors={"fromId": ["There is no such lead."]})
    before, theirs = read_fields(lead), read_fields(other)
    after = fill(before, theirs)
    fields = to_columns(after)
    owner = None if other["_ownerId"] is None else f"@{decode(other['owner'])['username']}"
    await give_to_lead(conn, from_id, lead_id, actor_id=caller.id)
    await sql.leads.absorb_lead(
        conn, lead_id=from_id, into_id=lead_id, actor_id=caller.id, notes=note(after, theirs, owner)
    )
    await sql.leads.update_lead(conn, lead_id=lead_id, actor_id=caller.id, fields=fields)
    filled = sorted(name for name in after if after[name] != before[name])
    payload = {
        "fromId": from_id,
        "fields": filled,
        "ownerId": after["ownerId"],
        "version": lead["version"] + 1,
    }
    await emit(conn, "lead.absorbed", actor_id=caller.id, entity=("lead", lead_id), payload=payload)
    payload = {"intoId": lead_id, **{name: theirs[name] for name in ("stage", "score", "ownerId")}}
    await emit(conn, "lead.merged", actor_id=caller.id, entity=("lead", from_id), payload=payload)
    return await get_lead(conn, lead_id)


def fill(fields: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a lead, the empty ones filled from `theirs`."""
    filled = {**fields, **{name: theirs[name] for name in FILLED if fields[name] is None}}
    if fields["value"] is None and (theirs["value"] is not None or fields["currency"] is None):
        filled.update(value=theirs["value"], currency=theirs["currency"])
    return filled


def note(fields: dict[str, Any], theirs: dict[str, Any], owner: str | None) -> list[str]:
    """Return texts of interactions, which keep the values of `theirs` that differ from `fields`.

    `owner`: how to write the owner in `theirs`.
    """
    fields, theirs = ({**lead, "value": write_money(lead)} for lead in (fields, theirs))
    written = {**theirs, "ownerId": owner, "lostReason": (theirs["lostReason"] or "").replace("_", " ")}
    lines = [
        f"{word}: {written[name]}"
        for name, word in NOTED.items()
        if theirs[name] is not None and theirs[name] != fields[name]
    ]
    text = "\n".join(["Merged with another lead.", *lines]) if lines else ""
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def write_money(fields: dict[str, Any]) -> str | None:
    """Return the value of a lead with its currency, either of which may be absent; None without both."""
    return " ".join(fields[name] for name in ("value", "currency") if fields[name] is not None) or None
