"""Import tasks from a CSV file: rows make tasks, change them, or are refused."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from marshmallow import fields

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.domain.fields import Body, Text
from nexcorp.domain.tables import Line, Outcome, load_line, read_names, read_rows
from nexcorp.errors import Invalid
from nexcorp.features.tasks import service
from nexcorp.features.tasks.due import due_date, split_due
from nexcorp.features.tasks.parents import resolve_parents
from nexcorp.features.tasks.recording import record_import
from nexcorp.features.tasks.references import on_lost_reference
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import KINDS, MAX_LABELS, PRIORITIES, STATUSES, one_of
from nexcorp.features.tasks.telling import tell_of_import

# The columns of an export: an import reads the first ones, and ignores the others.
TAKEN = (
    *("id", "externalRef", "kind", "title", "description", "status", "priority", "assignee", "labels"),
    *("dueDate", "parent"),
)
COLUMNS = (
    *TAKEN,
    *("number", "projectId", "creator", "createdAt", "updatedAt", "startedAt", "completedAt"),
)
# Columns in which an empty cell clears the field; in others it changes nothing.
CLEARED = ("description", "assignee", "labels", "dueDate", "parent")
NO_ASSIGNEE = "There is no such active user."
DEFAULTS = {"kind": "task", "status": "todo", "priority": "medium", "description": None, "dueDate": None}


class TaskRow(Body):
    """One row: changes the task that `id`, or else `externalRef`, names; without such a task, makes one."""

    id = fields.UUID()
    externalRef = Text(least=1, most=200)
    kind = one_of(KINDS)
    title = Text(least=1, most=200, required=True)
    description = Text(least=1, most=20_000, allow_none=True)
    status = one_of(STATUSES)
    priority = one_of(PRIORITIES)
    assignee = Text(least=1, most=200, allow_none=True)
    labels = fields.String(allow_none=True)
    dueDate = due_date()
    parent = Text(least=1, most=200, allow_none=True)


SCHEMA = TaskRow()


def read_file(body: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file, with their numbers; raise Invalid for an unreadable file."""
    return read_rows(body, COLUMNS, "title")


def load_task(number: int, row: dict[str, str]) -> Line:
    """Check a row on its own."""
    line = load_line(SCHEMA, number, row, TAKEN, CLEARED)
    if "labels" in line.data:
        line.data["labels"] = read_names(line.data["labels"] or "")
    return line


async def import_tasks(
    conn: Any, owner_id: UUID, import_id: UUID, options: dict[str, Any], body: bytes
) -> Outcome:
    """Import a file, each row on its own; with `dryRun` nothing is written.

    `options`: projectId, or None; dryRun; seesAll, whether the owner's key or session has task:manage. Emits
    one event for all tasks. Raises Invalid for a file or a project that cannot be used at all.
    """
    lines = [load_task(number, row) for number, row in read_file(body)]
    project_id = UUID(options["projectId"]) if options["projectId"] is not None else None
    sees_all = bool(options["seesAll"] and await sql.imports.holds(conn, user_id=owner_id, permission=MANAGE))
    await check_project(conn, owner_id, project_id, sees_all)
    await find_tasks(conn, owner_id, project_id, lines)
    active = await resolve(conn, project_id, lines)
    ids = sorted({line.data["id"] for line in lines if line.error is None and "id" in line.data})
    await sql.task_bulk.lock_tasks(conn, ids=ids)
    rows = await sql.task_bulk.read_tasks(conn, ids=ids, viewer_id=owner_id, sees_all=sees_all)
    leading = {row["id"] for row in await sql.task_bulk.list_leading(conn, ids=ids)}
    found = {row["id"]: row for row in rows}
    check_lines(found, lines, project_id, active)
    await resolve_parents(conn, owner_id, sees_all, project_id, found, lines)
    changes = find_changes(found, leading, lines)
    new = [line for line in lines if line.error is None and "id" not in line.data]
    failed = [line.error for line in lines if line.error is not None]
    outcome = Outcome(created=len(new), updated=len(changes), failed=len(failed), errors=failed)
    outcome.unchanged = len(lines) - len(new) - len(changes) - len(failed)
    if options["dryRun"] or not (new or changes):
        return outcome
    # New tasks come first: they may be parents of changed ones.
    touched = await make_tasks(conn, owner_id, project_id, new)
    touched += await change_tasks(conn, owner_id, changes)
    given = [(line.data["id"], line.data.get("assigneeId")) for line in new]
    given += [(task["id"], what["assigneeId"]) for task, what in changes if "assigneeId" in what]
    await tell_of_import(conn, owner_id, import_id, touched, given, [task for task, _ in changes])
    await record_import(conn, owner_id, import_id, touched, changes)
    return outcome


async def check_project(conn: Any, owner_id: UUID, project_id: UUID | None, sees_all: bool) -> None:
    """Raise Invalid unless the owner may write in the project."""
    if project_id is None:
        return
    found = await sql.tasks.check_references(
        conn,
        viewer_id=owner_id,
        sees_all=sees_all,
        assignee_id=None,
        project_id=project_id,
        parent_id=None,
        lead_id=None,
        label_ids=[],
    )
    if found["project_role"] not in ("owner", "editor"):
        raise Invalid(errors={"projectId": ["There is no such project in which you write."]})


async def find_tasks(conn: Any, owner_id: UUID, project_id: UUID | None, lines: Sequence[Line]) -> None:
    """Give rows the id of the task that their externalRef names, and refuse rows that name a task again."""
    refs = [line.data["externalRef"] for line in lines if "externalRef" in line.data]
    rows = await sql.tasks.find_refs(conn, project_id=project_id, owner_id=owner_id, refs=refs)
    known = {row["ref"]: row for row in rows}
    seen: set[Any] = set()
    for line in lines:
        ref = line.data.get("externalRef")
        if "id" not in line.data and ref in known:
            if known[ref]["trashed"]:
                line.refuse("externalRef", "task_not_found", "The task is in the trash.")
            line.data["id"] = known[ref]["id"]
        for name in ("id", "externalRef"):
            value = line.data.get(name)
            if value is not None and (name, value) in seen:
                line.refuse(name, "duplicate_row", "A row before is of the same task.")
            seen.add((name, value))


async def resolve(conn: Any, project_id: UUID | None, lines: Sequence[Line]) -> set[UUID]:
    """Turn names into ids: `assignee` into assigneeId, `labels` into labelIds; return the ids of active
    people."""
    names = {line.data["assignee"] for line in lines if line.data.get("assignee")}
    ids: dict[str, UUID] = {}
    for name in names:
        with suppress(ValueError):
            ids[name] = UUID(name)
    rows = await sql.tasks.find_named_people(conn, names=sorted(names), ids=sorted(set(ids.values())))
    people = {row["name"].lower(): row["id"] for row in rows}
    wanted = {name.lower() for line in lines for name in line.data.get("labels") or ()}
    found = await sql.tasks.find_named_labels(conn, project_id=project_id, names=sorted(wanted))
    labels = {row["name"]: row["id"] for row in found}
    for line in lines:
        if "assignee" in line.data:
            name = line.data.pop("assignee")
            # An id may be written in any of the ways that UUID() reads.
            line.data["assigneeId"] = name and people.get(str(ids.get(name, name)).lower())
            if name is not None and line.data["assigneeId"] is None:
                line.refuse("assignee", "validation_failed", NO_ASSIGNEE)
        listed = line.data.pop("labels", None)
        if listed is not None:
            line.data["labelNames"] = [name.lower() for name in listed]
            line.data["labelIds"] = list(
                dict.fromkeys(labels[name] for name in line.data["labelNames"] if name in labels)
            )
            if len(listed) > MAX_LABELS:
                line.refuse("labels", "validation_failed", f"Has more than {MAX_LABELS} labels.")
    return {row["id"] for row in rows if row["active"]}


def check_lines(
    found: dict[UUID, Any], lines: Sequence[Line], project_id: UUID | None, active: set[UUID]
) -> None:
    """Refuse rows of tasks that the owner cannot see, and rows with unknown labels or assignees."""
    for line in lines:
        named = line.data.pop("labelNames", None)
        task = found.get(line.data["id"]) if "id" in line.data else None
        if line.error is not None:
            continue
        if "id" in line.data and task is None:
            line.refuse("id", "task_not_found", "There is no such task.")
            continue
        assignee_id = line.data.get("assigneeId")
        # The current assignee stays allowed, active or not.
        if assignee_id not in active and assignee_id not in (None, task and task["_assigneeId"]):
            line.refuse("assignee", "validation_failed", NO_ASSIGNEE)
            continue
        if named is not None and task is not None:
            # Unchanged labels are allowed, whatever project they belong to.
            has = {label["name"].lower(): UUID(label["id"]) for label in decode(task["labels"])}
            if set(named) == set(has):
                line.data.pop("labelIds")
                named = None
            elif task["projectId"] != project_id:
                line.refuse("labels", "validation_failed", "Import with the projectId of the task.")
                continue
        if named is not None and len(line.data["labelIds"]) < len(set(named)):
            line.refuse("labels", "validation_failed", "Names a label that is not of this project.")


def find_changes(
    found: dict[UUID, Any], leading: set[UUID], lines: Sequence[Line]
) -> list[tuple[Any, dict[str, Any]]]:
    """Return (task, changes) for rows that change a task; refuse changes that an import cannot make."""
    changed = []
    for line in lines:
        if line.error is not None or "id" not in line.data:
            continue
        task = found[line.data["id"]]
        changes = service.find_changes(task, line.data)
        if changes and not task["_mayChange"]:
            # An export contains tasks that its reader may not change; unchanged rows of them are no error.
            line.refuse("id", "not_your_task", "You may not change this task.")
        elif "status" in changes and task["id"] in leading:
            line.refuse("status", "has_followers", "It blocks a task, or comes again: move it by itself.")
        elif changes:
            changed.append((task, changes))
    return changed


async def change_tasks(
    conn: Any, owner_id: UUID, changes: Sequence[tuple[Any, dict[str, Any]]]
) -> list[UUID]:
    """Make these changes; return the ids of the tasks."""
    if not changes:
        return []
    rows = [service.make_row(task, what) for task, what in changes]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    await sql.tasks.update_tasks(conn, **columns, actor_id=owner_id)
    await set_labels(conn, [(task["id"], what["labelIds"]) for task, what in changes if "labelIds" in what])
    moved = [(task["id"], what["parentId"]) for task, what in changes if "parentId" in what]
    if moved:
        with on_lost_reference():
            await sql.tasks.set_parents(
                conn,
                ids=[one for one, _ in moved],
                parent_ids=[parent.data["id"] if isinstance(parent, Line) else parent for _, parent in moved],
            )
    ids: list[UUID] = columns["ids"]
    return ids


async def make_tasks(conn: Any, owner_id: UUID, project_id: UUID | None, lines: Sequence[Line]) -> list[UUID]:
    """Make tasks from these rows, and set `id` in each row; return the ids, in order."""
    if not lines:
        return []
    first = None
    if project_id is not None:
        first = await sql.tasks.take_numbers(conn, project_id=project_id, many=len(lines))
        if first is None:
            raise Invalid(errors={"projectId": ["There is no such project."]})
    rows = [DEFAULTS | line.data for line in lines]
    dues = [split_due(row["dueDate"]) for row in rows]
    parents = [row.get("parentId") for row in rows]
    place_of = {id(line): place for place, line in enumerate(lines, 1)}
    with on_lost_reference():
        made = await sql.tasks.insert_tasks(
            conn,
            creator_id=owner_id,
            project_id=project_id,
            first_number=first,
            kinds=[row["kind"] for row in rows],
            titles=[row["title"] for row in rows],
            descriptions=[row["description"] for row in rows],
            statuses=[row["status"] for row in rows],
            priorities=[service.number_of(row["priority"]) for row in rows],
            assignee_ids=[row.get("assigneeId") for row in rows],
            due_ats=[due["due_at"] for due in dues],
            due_ons=[due["due_on"] for due in dues],
            refs=[row.get("externalRef") for row in rows],
            parent_ids=[None if isinstance(parent, Line) else parent for parent in parents],
            parent_places=[place_of.get(id(parent)) for parent in parents],
        )
    ids = [one["id"] for one in made]
    for line, one in zip(lines, ids, strict=True):
        line.data["id"] = one
    pairs = zip(ids, rows, strict=True)
    await set_labels(conn, [(one, row["labelIds"]) for one, row in pairs if row.get("labelIds")])
    return ids


async def set_labels(conn: Any, wanted: Sequence[tuple[UUID, list[UUID]]]) -> None:
    """Replace the labels of each of these tasks."""
    pairs = [(task_id, label_id) for task_id, label_ids in wanted for label_id in label_ids]
    await sql.tasks.replace_labels(
        conn,
        task_ids=[task_id for task_id, _ in wanted],
        pair_task_ids=[task_id for task_id, _ in pairs],
        pair_label_ids=[label_id for _, label_id in pairs],
    )
