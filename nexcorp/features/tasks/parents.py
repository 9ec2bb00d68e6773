"""Parents named by rows of a CSV file: existing tasks, or other rows of the same file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.tables import Line
from nexcorp.features.tasks.errors import HasSubtasks, LinkCycle

# The maximum of the column `number`.
MAX_NUMBER = 2**31 - 1


async def resolve_parents(
    conn: Any,
    owner_id: UUID,
    sees_all: bool,
    project_id: UUID | None,
    found: Mapping[UUID, Any],
    lines: Sequence[Line],
) -> None:
    """Turn `parent` into parentId: an id, None, or the Line of the same file that becomes the parent.

    `parent` is the id, the externalRef or the number of a task of the same project. `found`: the locked tasks
    of rows with an `id`. Refuses rows whose parent the service would refuse, too.
    """
    to_come = {
        line.data["externalRef"]: line
        for line in lines
        if line.error is None and "id" not in line.data and "externalRef" in line.data
    }
    asked: list[tuple[Line, UUID | None, str]] = []
    for line in lines:
        if line.error is not None or "parent" not in line.data:
            continue
        task = found[line.data["id"]] if "id" in line.data else None
        name = line.data.pop("parent")
        if name is None:
            line.data["parentId"] = None
        elif task is not None and name == str(task["parentId"]):
            # An unchanged parent is accepted, even if it is in the trash or hidden from the owner.
            line.data["parentId"] = task["parentId"]
        else:
            of_project = task["projectId"] if task is not None else project_id
            if of_project == project_id:
                line.data["parentId"] = to_come.get(name)
            asked.append((line, of_project, name))
    if not asked:
        return
    await sql.tasks.lock_graph(conn)
    await find_parents(conn, owner_id, sees_all, asked)
    check_levels(found, lines)


async def find_parents(
    conn: Any, owner_id: UUID, sees_all: bool, asked: Sequence[tuple[Line, UUID | None, str]]
) -> None:
    """Find the parents that rows name, each in its project, and refuse rows with an impossible parent."""
    ids: list[UUID | None] = [None] * len(asked)
    numbers: list[int | None] = [None] * len(asked)
    for place, (_, _, name) in enumerate(asked):
        with suppress(ValueError):
            ids[place] = UUID(name)
        if name.isascii() and name.isdigit() and len(name) < 11 and int(name) <= MAX_NUMBER:
            numbers[place] = int(name)
    rows = await sql.tasks.find_parents(
        conn,
        viewer_id=owner_id,
        sees_all=sees_all,
        child_ids=[line.data.get("id") for line, _, _ in asked],
        project_ids=[of_project for _, of_project, _ in asked],
        refs=[name for _, _, name in asked],
        ids=ids,
        numbers=numbers,
    )
    for (line, _, _), row in zip(asked, rows, strict=True):
        is_row = isinstance(line.data.get("parentId"), Line)
        if not is_row:
            line.data["parentId"] = row["id"]
        if line.data["parentId"] is None:
            line.refuse("parent", "validation_failed", "There is no such task in this project.")
        elif not is_row and row["id"] == line.data.get("id"):
            line.refuse("parent", "validation_failed", "It is the task itself.")
        elif not is_row and row["parent_id"] is not None:
            line.refuse("parent", "validation_failed", "It is a subtask itself.")
        elif not is_row and row["is_linked"]:
            line.refuse("parent", LinkCycle.code, LinkCycle.message)
        elif row["has_subtasks"] and (is_row or row["changes"]):
            line.refuse("parent", HasSubtasks.code, HasSubtasks.message)


def check_levels(found: Mapping[UUID, Any], lines: Sequence[Line]) -> None:
    """Refuse rows whose parent becomes a subtask by the same file, or is a refused row."""
    good = [line for line in lines if line.error is None and line.data.get("parentId") is not None]
    lower = {line.data.get("id", id(line)) for line in good}
    for line in good:
        parent = line.data["parentId"]
        task = found[line.data["id"]] if "id" in line.data else None
        if task is not None and task["parentId"] == parent:
            continue
        if (id(parent) if isinstance(parent, Line) else parent) in lower:
            line.refuse("parent", "validation_failed", "It is a subtask itself.")
        elif isinstance(parent, Line) and parent.error is not None:
            line.refuse("parent", "validation_failed", "There is no such task in this project.")
