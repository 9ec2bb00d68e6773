"""The rules of leads: which fields go together, which leads are duplicates, and how changes are told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.tasks import give_to_lead
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid
from nexcorp.features.leads.contacts import find_keys, name_keys
from nexcorp.features.leads.errors import LeadDuplicate, LeadMerged, LeadNotFound
from nexcorp.security.caller import Caller

READ = "lead:read"
# The initial value of each field that can be changed, by its name in the API.
BLANK: dict[str, Any] = {
    **dict.fromkeys(("name", "company", "email", "phone", "jobTitle", "website")),
    "source": "other",
    "stage": "new",
    "score": 0,
    **dict.fromkeys(("ownerId", "value", "currency", "lostReason", "lostNote", "notes")),
}
COLUMNS = {
    "jobTitle": "job_title",
    "ownerId": "owner_id",
    "lostReason": "lost_reason",
    "lostNote": "lost_note",
}


def read_fields(lead: Any) -> dict[str, Any]:
    """Return the fields that can be changed of a row of lead_items."""
    return {name: lead["_ownerId" if name == "ownerId" else name] for name in BLANK}


def to_columns(fields: dict[str, Any]) -> dict[str, Any]:
    """Return all fields of a lead as columns of the table, with the keys that find duplicates."""
    keys = dict(zip(("email_key", "phone_key"), find_keys(fields), strict=True))
    return {**{COLUMNS.get(name, name): value for name, value in fields.items()}, **keys}


def complete(before: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return all fields of a lead after a change by `data`; raises Invalid if they do not go together.

    A lead whose stage is not `lost` loses its reason and note.
    """
    after = {**before, **{name: data[name] for name in BLANK if name in data}}
    errors = {}
    if after["stage"] != "lost":
        errors = {name: ["Only of lost ones."] for name in ("lostReason", "lostNote") if data.get(name)}
        after["lostReason"] = after["lostNote"] = None
    elif after["lostReason"] is None:
        errors = {"lostReason": ["Say why it was lost."]}
    if after["value"] is not None and after["currency"] is None:
        errors["currency"] = ["A value needs a currency."]
    if errors:
        raise Invalid(errors=errors)
    return after


async def check_owner(conn: Any, owner_id: UUID | None) -> None:
    """Raise Invalid unless this is the id of a user who may read leads; None passes."""
    if owner_id is not None and not await sql.leads.may_read(conn, user_id=owner_id):
        raise Invalid(errors={"ownerId": ["Nobody who may read leads."]})


async def lock_keys(conn: Any, data: dict[str, Any]) -> None:
    """Keep others from creating leads with the e-mail address or phone number in `data` until the
    transaction ends. Call it before you lock leads."""
    if keys := name_keys(*find_keys(data)):
        await sql.leads.lock_keys(conn, keys=keys)


async def find_known(conn: Any, data: dict[str, Any], lead: Any = None) -> list[UUID]:
    """Return the oldest other leads with the e-mail address or phone number in `data`.

    One that `lead` has already, in any spelling, finds none. Call lock_keys() first.
    """
    email_key, phone_key = find_keys(data, lead)
    if email_key is None and phone_key is None:
        return []
    except_id = None if lead is None else lead["id"]
    rows = await sql.leads.find_duplicates(
        conn, email_key=email_key, phone_key=phone_key, except_id=except_id
    )
    return [row["id"] for row in rows]


async def get_lead(conn: Any, lead_id: UUID) -> Any:
    """Return a lead; raises LeadNotFound, or LeadMerged with the id of the surviving lead."""
    lead = await sql.leads.get_lead(conn, lead_id=lead_id)
    if lead is None:
        survivor = await sql.leads.get_survivor(conn, lead_id=lead_id)
        raise LeadNotFound() if survivor is None else LeadMerged(mergedInto=survivor)
    return lead


async def create_lead(
    conn: Any, actor_id: UUID, data: dict[str, Any], *, allow_duplicate: bool = False
) -> Any:
    """Create a lead with the fields in `data`, as CreateLead loads them; returns it.

    Notifies users who may read leads. Raises Invalid, and LeadDuplicate if another lead has its e-mail
    address or phone number, unless `allow_duplicate`.
    """
    fields = complete(BLANK, data)
    await check_owner(conn, fields["ownerId"])
    if not allow_duplicate:
        await lock_keys(conn, data)
        if known := await find_known(conn, data):
            raise LeadDuplicate(leadIds=known)
    (added,) = await sql.leads.insert_leads(conn, created_by=actor_id, rows=[to_columns(fields)])
    lead_id: UUID = added["id"]
    payload = describe_new(fields)
    await emit(conn, "lead.created", actor_id=actor_id, entity=("lead", lead_id), payload=payload)
    return await get_lead(conn, lead_id)


async def update_lead(
    conn: Any,
    caller: Caller,
    lead_id: UUID,
    data: dict[str, Any],
    versions: Versions | None = None,
    *,
    by_etag: bool = True,
) -> Any:
    """Change the fields in `data`; returns the lead. Equal values change nothing.

    A new score notifies users who may read leads. Raises NotFound, Forbidden, Invalid, LeadDuplicate unless
    `data["allowDuplicate"]`, and for old `versions` PreconditionFailed (`by_etag`) or StaleVersion.
    """
    # The answer shows the lead.
    caller.require(READ)
    allow_duplicate = data.get("allowDuplicate")
    if not allow_duplicate:
        await lock_keys(conn, data)
    await sql.leads.lock_lead(conn, lead_id=lead_id)
    lead = await get_lead(conn, lead_id)
    check_version(lead, versions, by_etag=by_etag)
    if not allow_duplicate and (known := await find_known(conn, data, lead)):
        raise LeadDuplicate(leadIds=known)
    return await apply_changes(conn, caller.id, lead, data)


async def apply_changes(conn: Any, actor_id: UUID, lead: Any, data: dict[str, Any]) -> Any:
    """Change the fields in `data` of a locked lead; returns it. Raises Invalid."""
    before = read_fields(lead)
    after = complete(before, data)
    changes = [name for name in BLANK if after[name] != before[name]]
    if not changes:
        return lead
    if "ownerId" in changes:
        await check_owner(conn, after["ownerId"])
    await sql.leads.update_lead(conn, lead_id=lead["id"], actor_id=actor_id, fields=to_columns(after))
    for event, payload in describe_changes(before, after).items():
        payload["version"] = lead["version"] + 1
        await emit(conn, event, actor_id=actor_id, entity=("lead", lead["id"]), payload=payload)
    return await get_lead(conn, lead["id"])


def describe_new(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of the event of a new lead."""
    return {name: fields[name] for name in ("stage", "score", "ownerId", "source")}


def describe_changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the events of a change with their payloads: one each for a new stage, score and owner, and one
    for all other fields."""
    changes = [name for name in BLANK if after[name] != before[name]]
    payloads: dict[str, dict[str, Any]] = {}
    told = {"stage", "score", "ownerId"}
    if "stage" in changes:
        # The reason and note of a loss belong to the event of the new stage.
        told |= {"lostReason", "lostNote"}
        moved = {"from": before["stage"], "to": after["stage"], "reason": after["lostReason"]}
        payloads["lead.moved"] = moved
    if "score" in changes:
        payloads["lead.score_updated"] = {"from": before["score"], "to": after["score"]}
    if "ownerId" in changes:
        payloads["lead.assigned"] = {"previousOwnerId": before["ownerId"], "ownerId": after["ownerId"]}
    if other := sorted(set(changes) - told):
        payloads["lead.updated"] = {"fields": other}
    return payloads


async def delete_lead(conn: Any, caller: Caller, lead_id: UUID, versions: Versions | None = None) -> None:
    """Delete a lead with its interactions and log; tasks and notifications stay, without it.

    Raises NotFound, Forbidden, PreconditionFailed.
    """
    await sql.tasks.lock_tasks_of_lead(conn, lead_id=lead_id)
    await sql.leads.lock_for_removal(conn, ids=[lead_id])
    lead = await get_lead(conn, lead_id)
    if versions is not None:
        # The refusal shows the lead.
        caller.require(READ)
    check_version(lead, versions)
    await give_to_lead(conn, lead_id, None, actor_id=caller.id)
    await sql.leads.delete_lead(conn, lead_id=lead_id)
    payload = {"stage": lead["stage"], "ownerId": lead["_ownerId"]}
    await emit(conn, "lead.deleted", actor_id=caller.id, entity=("lead", lead_id), payload=payload)
