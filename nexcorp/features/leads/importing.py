"""Import leads from a CSV file: find which rows are new, which change a lead, and which are skipped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from nexcorp.db import sql
from nexcorp.delivery import emit, record_all
from nexcorp.domain.fields import Text
from nexcorp.domain.tables import Line, Outcome, load_line, read_rows
from nexcorp.errors import Invalid, PermissionRequired
from nexcorp.features.leads.contacts import find_keys, name_keys
from nexcorp.features.leads.schemas import LeadFields, Whole
from nexcorp.features.leads.service import (
    BLANK,
    complete,
    describe_changes,
    describe_new,
    read_fields,
    to_columns,
)

CREATE, UPDATE = "lead:create", "lead:update"
# What to do with a row whose lead exists already.
MODES = ("skip", "update", "create")
# The export writes COLUMNS; an import reads those in TAKEN and ignores the others.
TAKEN = (
    *("id", "name", "company", "email", "phone", "jobTitle", "website", "source", "stage", "score", "owner"),
    *("value", "currency", "lostReason", "lostNote", "notes"),
)
COLUMNS = (*TAKEN, "createdBy", "lastInteractionAt", "createdAt", "updatedAt")


class LeadRow(LeadFields):
    """A row of the file. An empty cell changes nothing: a list from elsewhere must not erase known fields."""

    class Meta(LeadFields.Meta):
        exclude = ("ownerId", "allowDuplicate")

    id = fields.UUID()
    name = Text(least=1, most=200, required=True)
    score = Whole(validate=validate.Range(0, 100))
    owner = Text(least=1, most=200)


SCHEMA = LeadRow()


def read_file(body: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the numbered rows of a file of leads; raises Invalid for a file that cannot be read."""
    return read_rows(body, COLUMNS, "name")


async def import_leads(
    conn: Any, owner_id: UUID, import_id: UUID, options: dict[str, Any], body: bytes
) -> Outcome:
    """Import a file, in which each row succeeds or fails by itself; with `dryRun` nothing is written.

    `options`: dryRun, and mode, one of MODES. A row belongs to the lead with its `id`, else to the oldest one
    with its e-mail address, else with its phone number; with `create` each row is a new lead. One event tells
    of the whole import. Raises Invalid for a file that cannot be read at all, and PermissionRequired if the
    owner's current role does not allow the import.
    """
    mode = options["mode"]
    for permission in (CREATE, UPDATE) if mode == "update" else (CREATE,):
        if not await sql.imports.holds(conn, user_id=owner_id, permission=permission):
            raise PermissionRequired(permission)
    lines = [load_line(SCHEMA, number, row, TAKEN) for number, row in read_file(body)]
    found: dict[UUID, Any] = {}
    if mode == "create":
        for line in lines:
            line.data.pop("id", None)
    else:
        found = await find_leads(conn, lines, locks=mode == "update")
    readers = await resolve_owners(conn, lines)
    new, changed = sort_lines(lines, found, mode, readers)
    failed = [line.error for line in lines if line.error is not None]
    outcome = Outcome(created=len(new), updated=len(changed), failed=len(failed), errors=failed)
    outcome.unchanged = len(lines) - len(new) - len(changed) - len(failed)
    if options["dryRun"] or not (new or changed):
        return outcome
    made = await sql.leads.insert_leads(conn, created_by=owner_id, rows=new)
    await sql.leads.update_leads(conn, actor_id=owner_id, rows=changed)
    await record(conn, owner_id, import_id, [row["id"] for row in (*made, *changed)], found)
    payload = {"importId": import_id, "count": len(new) + len(changed), "created": len(new)}
    await emit(conn, "lead.imported", actor_id=owner_id, entity=("import", import_id), payload=payload)
    return outcome


async def record(
    conn: Any, owner_id: UUID, import_id: UUID, ids: Sequence[UUID], found: dict[UUID, Any]
) -> None:
    """Record in the audit trail how the import changed each of the leads `ids`; `found`: their old rows."""
    events = []
    for lead in await sql.leads.get_leads(conn, ids=ids):
        fields = read_fields(lead)
        if lead["id"] in found:
            said = describe_changes(read_fields(found[lead["id"]]), fields)
        else:
            said = {"lead.created": describe_new(fields)}
        for event, payload in said.items():
            more = {"version": lead["version"], "importId": import_id}
            events.append((event, lead["id"], {**payload, **more}))
    await record_all(conn, "lead", events, actor_id=owner_id)


async def find_leads(conn: Any, lines: Sequence[Line], *, locks: bool) -> dict[UUID, Any]:
    """Set the id of its lead in each row; returns these leads by id, locked if `locks`.

    Until the transaction ends, nobody else can create leads with the rows' addresses and numbers.
    """
    good = [line for line in lines if line.error is None]
    keys = [key for line in good for key in name_keys(*find_keys(line.data))]
    await sql.leads.lock_keys(conn, keys=keys)
    guesses = await find_known(conn, [line for line in good if "id" not in line.data], {})
    named = {line.data["id"] for line in good if "id" in line.data}
    ids = sorted({*named, *guesses.values()})
    if locks:
        await sql.leads.lock_leads(conn, ids=ids)
    found = {row["id"]: row for row in await sql.leads.get_leads(conn, ids=ids)}
    for line in good:
        if "id" not in line.data:
            if (guess := guesses.get(line.number)) in found:
                line.data["id"] = guess
                line.data["isGuessed"] = True
        elif line.data["id"] not in found:
            line.refuse("id", "lead_not_found", "There is no such lead.")
    known = [line for line in good if line.data.get("id") in found]
    twins = await find_known(conn, known, found)
    for line in known:
        line.data["hasTwin"] = line.number in twins
    return found


async def find_known(conn: Any, lines: Sequence[Line], found: dict[UUID, Any]) -> dict[int, UUID]:
    """Return the oldest other lead with the e-mail address, else with the number, of each row that there is
    one for, by the row's number; one that the row's own lead in `found` has already finds none."""
    leads = [found[line.data["id"]] if "id" in line.data else None for line in lines]
    pairs = [find_keys(line.data, lead) for line, lead in zip(lines, leads, strict=True)]
    rows = await sql.leads.find_known(
        conn,
        email_keys=[email for email, _ in pairs],
        phone_keys=[phone for _, phone in pairs],
        except_ids=[lead and lead["id"] for lead in leads],
    )
    return {lines[row["place"] - 1].number: row["id"] for row in rows}


async def resolve_owners(conn: Any, lines: Sequence[Line]) -> set[UUID]:
    """Turn `owner`, a username or an id, into ownerId; returns the ids of owners who may read leads."""
    names = {line.data["owner"] for line in lines if "owner" in line.data}
    ids = set()
    for name in names:
        with suppress(ValueError):
            ids.add(UUID(name))
    rows = await sql.leads.find_owners(conn, names=sorted(names), ids=sorted(ids))
    people = {row["name"].lower(): row["id"] for row in rows}
    for line in lines:
        if "owner" in line.data:
            line.data["ownerId"] = people.get(line.data.pop("owner").lower())
            if line.data["ownerId"] is None:
                line.refuse("owner", "validation_failed", "There is no such user.")
    return {row["id"] for row in rows if row["reads"]}


def sort_lines(
    lines: Sequence[Line], found: dict[UUID, Any], mode: str, readers: set[UUID]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the columns of new leads, and those of changed leads with their ids; refuses rows that are not
    valid."""
    new, changed = [], []
    seen: set[Any] = set()
    for line in lines:
        if line.error is not None:
            continue
        lead = found[line.data["id"]] if "id" in line.data else None
        if lead is not None and mode == "skip":
            continue
        marks = {lead["id"]} if lead is not None else set(name_keys(*find_keys(line.data)))
        if mode != "create" and not marks:
            line.refuse(
                "email", "validation_failed", "Needs an e-mail address, a phone number, or mode=create."
            )
            continue
        if mode != "create" and not seen.isdisjoint(marks):
            if mode == "update":
                line.refuse(None, "duplicate_row", "A row before is of the same lead.")
            continue
        before = read_fields(lead) if lead is not None else BLANK
        after = check_row(line, before, readers)
        if after is None:
            continue
        gained = set(name_keys(*find_keys(after))) - set(name_keys(*find_keys(before)))
        if lead is not None and not seen.isdisjoint(gained):
            refuse_twin(line)
            continue
        seen |= marks | gained
        if lead is None:
            new.append(to_columns(after))
        elif after != before:
            changed.append({"id": lead["id"], **to_columns(after)})
    return new, changed


def check_row(line: Line, before: dict[str, Any], readers: set[UUID]) -> dict[str, Any] | None:
    """Return all fields of a lead after a row's change; refuses the row and returns None if not valid."""
    try:
        after = complete(before, line.data)
    except Invalid as error:
        name, messages = next(iter((error.errors or {}).items()))
        line.refuse(name, "validation_failed", messages[0])
        return None
    if after["ownerId"] != before["ownerId"] and after["ownerId"] not in readers:
        line.refuse("owner", "validation_failed", "Nobody who may read leads.")
    was, is_now = find_keys(before), find_keys(after)
    if "isGuessed" in line.data and was[0] is not None and was[0] != is_now[0]:
        # The lead was found by its phone number, which two people of one office may share.
        line.refuse("phone", "lead_duplicate", "A lead of another e-mail address has this number.")
    if line.data.get("hasTwin"):
        refuse_twin(line)
    return after if line.error is None else None


def refuse_twin(line: Line) -> None:
    """Refuse a row that would give a lead the address or number of another lead."""
    line.refuse("email", "lead_duplicate", "Another lead has this e-mail address or phone number.")
