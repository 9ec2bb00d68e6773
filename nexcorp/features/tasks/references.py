"""References of tasks: their targets must exist, and be visible to the caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.errors import Invalid, NotYourProject, on_constraint
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.security.caller import Caller

# Roles in a project that may write.
WRITERS = ("owner", "editor")
REFERENCES = frozenset({"assigneeId", "projectId", "parentId", "leadId", "labelIds"})


@contextmanager
def on_lost_reference() -> Iterator[None]:
    """Turn constraint errors into Invalid: the target of a reference was removed meanwhile, or the project
    has a task with this externalRef."""
    with ExitStack() as stack:
        for name, constraint in (
            ("parentId", "tasks_parent_id_fkey"),
            ("leadId", "tasks_lead_id_fkey"),
            ("labelIds", "task_labels_label_id_fkey"),
        ):
            stack.enter_context(on_constraint(constraint, Invalid(errors={name: ["It is gone."]})))
        for constraint in ("tasks_external_ref_idx", "tasks_own_ref_idx"):
            taken = Invalid(errors={"projectId": ["It has a task with this externalRef."]})
            stack.enter_context(on_constraint(constraint, taken))
        yield


async def check_references(conn: Any, caller: Caller, wanted: dict[str, Any], new: set[str]) -> None:
    """Check the fields named in `new` of a task with the values `wanted`: the caller must see the targets,
    and be one of the project's writers.

    Raises Invalid with all wrong fields, NotYourProject for a project that the caller can only read.
    """
    found = await sql.tasks.check_references(
        conn,
        viewer_id=caller.id,
        sees_all=caller.may(MANAGE),
        assignee_id=wanted["assigneeId"],
        project_id=wanted["projectId"],
        parent_id=wanted["parentId"],
        lead_id=wanted["leadId"],
        label_ids=wanted["labelIds"],
    )
    errors: dict[str, list[str]] = {}
    if "assigneeId" in new and wanted["assigneeId"] is not None and not found["has_assignee"]:
        errors["assigneeId"] = ["There is no such active user."]
    if "projectId" in new and wanted["projectId"] is not None and found["project_role"] is None:
        errors["projectId"] = ["There is no such project."]
    if "parentId" in new and wanted["parentId"] is not None:
        if not found["has_parent"] or found["parent_project_id"] != wanted["projectId"]:
            errors["parentId"] = ["There is no such task in this project."]
        elif found["grandparent_id"] is not None:
            errors["parentId"] = ["It is a subtask itself."]
    no_lead = not (caller.may("lead:read") and found["has_lead"])
    if "leadId" in new and wanted["leadId"] is not None and no_lead:
        errors["leadId"] = ["There is no such lead."]
    if "labelIds" in new and found["labels"] < len(wanted["labelIds"]):
        errors["labelIds"] = ["Names a label that is not of this project."]
    if errors:
        raise Invalid(errors=errors)
    if "projectId" in new and wanted["projectId"] is not None and found["project_role"] not in WRITERS:
        raise NotYourProject()


async def take_number(conn: Any, project_id: UUID | None) -> int | None:
    """Take the next task number of a project, None without one; raise Invalid if it was just deleted."""
    if project_id is None:
        return None
    number: int | None = await sql.tasks.take_number(conn, project_id=project_id)
    if number is None:
        raise Invalid(errors={"projectId": ["There is no such project."]})
    return number
