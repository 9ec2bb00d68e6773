"""The rows of the written policy about projects."""

from __future__ import annotations

from tests.policy import work_makers as makers
from tests.policy.rules import ANYBODY, Rule

SEEN = (
    "private projects for members, internal ones for all users, public ones for everybody; all "
    "projects for holders of project:manage"
)
MEMBERS = "members of the project, and holders of project:manage"
WRITERS = "owners and editors of the project, and holders of project:manage"
OWNERS = "its owners, and holders of project:manage"

PROJECTS: list[Rule] = [
    Rule("POST /projects", "project:create", 201, body={"name": "A project"}),
    Rule("GET /projects", "project:read", 200, whose=SEEN),
    Rule(
        "GET /projects/{id}",
        ANYBODY,
        200,
        stranger=404,
        manager=200,
        whose=SEEN,
        make=makers.a_workplace,
        others={"anonymous": 404, "revoked": 401, "deactivated": 401},
    ),
    Rule(
        "PATCH /projects/{id}",
        "project:create",
        200,
        also="project:read",
        stranger=404,
        manager=200,
        whose=OWNERS,
        make=makers.a_workplace,
        body={"name": "Another name"},
    ),
    Rule(
        "DELETE /projects/{id}",
        "project:create",
        204,
        also="project:read",
        stranger=404,
        manager=204,
        whose=OWNERS,
        make=makers.a_workplace,
    ),
    Rule("GET /projects/trash", "project:read", 200, whose=OWNERS),
    Rule(
        "POST /projects/{id}/restore",
        "project:create",
        200,
        also="project:read",
        stranger=404,
        manager=200,
        whose=OWNERS,
        make=makers.a_trashed_workplace,
    ),
    Rule("DELETE /projects/{id}/purge", "project:purge", 403, admin=204, make=makers.a_trashed_workplace),
    Rule(
        "GET /projects/{id}/members",
        "project:read",
        200,
        stranger=404,
        manager=200,
        whose=SEEN,
        make=makers.a_workplace,
    ),
    Rule(
        "PUT /projects/{id}/members/{userId}",
        "project:create",
        200,
        also="project:read",
        stranger=404,
        manager=200,
        whose=OWNERS,
        make=makers.a_workplace_with_another,
        body={"role": "editor"},
    ),
    Rule(
        "DELETE /projects/{id}/members/{userId}",
        "project:create",
        204,
        also="project:read",
        stranger=404,
        manager=204,
        whose="any member may leave; only owners and holders of project:manage remove others",
        make=makers.a_workplace_with_another,
    ),
    Rule(
        "GET /projects/{id}/activity",
        "project:read",
        200,
        stranger=404,
        manager=200,
        whose="its members, and holders of project:manage",
        make=makers.a_workplace,
    ),
    Rule(
        "POST /projects/{id}/sessions",
        "project:create",
        201,
        stranger=404,
        manager=201,
        whose=WRITERS,
        make=makers.a_workplace,
        body={"title": "Pairing"},
    ),
    *(
        Rule(
            f"GET /projects/{{id}}/{what}",
            "project:read",
            200,
            stranger=404,
            manager=200,
            whose=MEMBERS,
            make=makers.a_workplace,
        )
        for what in ("sessions", "presence")
    ),
    *(
        Rule(
            f"{method} /sessions/{{id}}{what}",
            "project:read",
            status,
            stranger=404,
            manager=status,
            whose=whose,
            make=makers.a_session,
        )
        for method, what, status, whose in (
            ("GET", "", 200, MEMBERS),
            ("GET", "/participants", 200, MEMBERS),
            ("POST", "/join", 200, MEMBERS),
            ("POST", "/leave", 204, MEMBERS),
            ("DELETE", "", 204, "its host, owners of the project, and holders of project:manage"),
        )
    ),
    # Linked repositories.
    Rule(
        "PUT /projects/{id}/repository",
        "project:create",
        201,
        stranger=404,
        manager=201,
        whose=WRITERS,
        make=makers.a_workplace,
        body={"url": "https://1.1.1.1/a.git"},
    ),
    *(
        Rule(
            f"GET /projects/{{id}}/repository{what}",
            "project:read",
            200,
            stranger=404,
            manager=200,
            whose=MEMBERS,
            make=makers.a_linked_workplace,
        )
        for what in ("", "/branches", "/commits", "/commits/{sha}")
    ),
    Rule(
        "POST /projects/{id}/repository/sync",
        "project:create",
        202,
        stranger=404,
        manager=202,
        whose=WRITERS,
        make=makers.a_linked_workplace,
    ),
    Rule(
        "DELETE /projects/{id}/repository",
        "project:create",
        204,
        stranger=404,
        manager=204,
        whose=WRITERS,
        make=makers.a_linked_workplace,
    ),
    # The repository's host signs the call; no caller of the API can.
    Rule("POST /hooks/repositories/{id}", ANYBODY, 403, make=makers.a_workplace, body={}),
]
