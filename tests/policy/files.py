"""The rows of the written policy about files of projects."""

from __future__ import annotations

from typing import Any

from tests.policy import work_makers as makers
from tests.policy.rules import ANYBODY, Maker, Rule

READERS = (
    "in private projects members, in internal ones all users, in public ones everybody; in all projects "
    "holders of project:manage"
)
WRITERS = "owners and editors of the project, and holders of project:manage"
OWNERS = "owners of the project, and holders of project:manage"


def reads(operation: str, make: Maker, **more: Any) -> Rule:
    """A rule for readers of the owner's project, which is private."""
    others = {"anonymous": 404, "revoked": 401, "deactivated": 401}
    return Rule(operation, ANYBODY, 200, 404, 200, whose=READERS, make=make, others=others, **more)


def writes(operation: str, status: int, make: Maker, whose: str = WRITERS, **more: Any) -> Rule:
    """A rule for editors of the owner's project; a stranger does not see the project.

    An answer to a change shows the file, so it needs project:read as well.
    """
    also = "project:read" if operation != "POST /projects/{id}/files" else None
    return Rule(operation, "project:create", status, 404, status, also=also, whose=whose, make=make, **more)


FILES: list[Rule] = [
    reads("GET /projects/{id}/files", makers.a_workplace),
    writes("POST /projects/{id}/files", 201, makers.a_workplace, body={"path": "notes.md"}),
    writes("GET /projects/{id}/files/trash", 200, makers.a_workplace),
    writes("DELETE /projects/{id}/files/trash", 204, makers.a_workplace, OWNERS),
    reads("GET /projects/{id}/folders", makers.a_workplace),
    writes("PATCH /projects/{id}/folders", 200, makers.a_folder, body={"from": "docs", "to": "texts"}),
    writes("DELETE /projects/{id}/folders", 200, makers.a_folder, query="?path=docs"),
    reads("GET /projects/{id}/archive", makers.a_workplace),
    reads("GET /files/{id}", makers.a_file),
    writes("PATCH /files/{id}", 200, makers.a_file, body={"path": "other.md"}),
    writes("DELETE /files/{id}", 204, makers.a_file),
    writes("POST /files/{id}/restore", 200, makers.a_trashed_file),
    reads("GET /files/{id}/content", makers.a_file),
    writes("PUT /files/{id}/content", 200, makers.a_file, body={"a": "text"}),
    reads("GET /files/{id}/versions", makers.a_file),
    reads("GET /files/{id}/versions/{n}", makers.a_file),
    reads("GET /files/{id}/versions/{n}/content", makers.a_file),
    writes("POST /files/{id}/versions/{n}/restore", 200, makers.a_file),
]
