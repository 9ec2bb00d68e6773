"""The written policy: who may do what, one row for every route and every kind of room.

**To add a route**, add a `Rule` to POLICY:

    Rule("PATCH /things/{id}", "thing:update", 200, stranger=403, whose="its owner only",
         make=a_thing, body={"title": "New"})

1. The operation, as `METHOD /path` (without /api/v1).
2. Who: ANYBODY, A_PERSON (no API keys) or the code of a permission; `whose` and `otherwise` as in the route's
   `access=`.
3. The status that the owner of the row gets (a member), then those of others where they differ: `stranger`
   is another member and as the owner unless said; `manager` is as the stranger unless said; `admin` as the
   manager unless said. The rest follows: without a good session or key 401; for A_PERSON a key gets 403; for
   a permission a key without that scope gets 403, and a key with it what its owner gets (where the owner may
   not, or with `key_of="admin"`, an admin). `others={"anonymous": 400}` names exceptions.
4. `make` puts what is needed into the service as `owner` and returns the names for the path; `body` (a
   dictionary, or a function of what `make` returned; a FormData is sent as a form) must be good, or everybody
   would get 422. `query` is put behind the path. People and rows are new for every call, so a rule may delete
   them; what all share, such as the permissions of a role, must be as before afterwards.

**To add a kind of room**, add a row to ROOMS: `make` returns the id, and then who may join.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nexcorp.features.auth.refresh import make_token
from nexcorp.web.keys import SECRETS
from tests.policy.world import Person, World, names

ANYBODY = "anybody"
A_PERSON = "a person"
# Those who are no person signed in.
OUTSIDERS = ("anonymous", "revoked", "deactivated", "key_without", "key_with")

Made = Mapping[str, Any]
Maker = Callable[[World, Person], Awaitable[Made]]


async def nothing(world: World, owner: Person) -> Made:
    """Needs nothing."""
    return {}


@dataclass(frozen=True)
class Rule:
    """Who may call one route, and what each of them gets."""

    operation: str
    who: str
    owner: int
    stranger: int | None = None
    manager: int | None = None
    admin: int | None = None
    whose: str | None = None
    otherwise: str | None = None
    make: Maker = nothing
    body: Any = None
    query: str = ""
    key_of: str | None = None
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def holder(self) -> str:
        """Whose API keys are tried: the owner's, unless only admins get anywhere."""
        return self.key_of or ("owner" if self.expect_people()["owner"] < 400 else "admin")

    def expect_people(self) -> dict[str, int]:
        """What people who are signed in get."""
        stranger = self.stranger or self.owner
        manager = self.manager or stranger
        return {
            "owner": self.owner,
            "stranger": stranger,
            "manager": manager,
            "admin": self.admin or manager,
        }

    def expect(self) -> dict[str, int]:
        """The status of every actor."""
        people = self.expect_people()
        if self.who == ANYBODY:
            rest = dict.fromkeys(
                ("anonymous", "revoked", "deactivated", "key_without", "key_with"), self.owner
            )
        else:
            rest = {"anonymous": 401, "revoked": 401, "deactivated": 401, "key_without": 403}
            rest["key_with"] = 403 if self.who == A_PERSON else people[self.holder]
        return {**people, **rest, **self.others}


@dataclass(frozen=True)
class Room:
    """Who may join one kind of room; nobody may without a session."""

    kind: str
    make: Callable[[World, Person], Awaitable[Any]]
    owner: bool
    stranger: bool
    manager: bool
    admin: bool


# -- What there must be, made as its owner.


async def a_page(world: World, owner: Person) -> Made:
    """A file of the documentation."""
    return {"name": "swagger-ui.css"}


async def another_person(world: World, owner: Person) -> Made:
    """Somebody else's id."""
    return {"id": (await world.person()).id}


async def an_address(world: World, owner: Person) -> Made:
    """An e-mail address that nobody has."""
    return {"email": f"new{next(names)}@example.com"}


async def an_account(world: World, owner: Person) -> Made:
    """What the owner signs in with."""
    return {"email": owner.email, "password": owner.password, "platform": "cli"}


async def a_refresh_token(world: World, owner: Person) -> Made:
    """The owner's refresh token."""
    return {"refreshToken": make_token(world.app[SECRETS], owner.session_id, 1)}


async def a_session(world: World, owner: Person) -> Made:
    """A session of the owner's."""
    return {"id": owner.session_id}


async def an_api_key(world: World, owner: Person) -> Made:
    """An API key of the owner's."""
    key = await world.create(owner, "/auth/api-keys", {"name": "robot", "scopes": ["post:read"]})
    return {"id": key["id"]}


async def a_post(world: World, owner: Person) -> Made:
    """A post of the owner's."""
    post = await world.create(owner, "/posts", {"body": "Hello."})
    return {"id": post["id"]}


async def a_comment(world: World, owner: Person) -> Made:
    """A comment of the owner's on a third person's post."""
    post = await a_post(world, await world.person())
    comment = await world.create(owner, "/comments", {"postId": post["id"], "body": "Indeed."})
    return {"id": comment["id"]}


async def a_notification(world: World, owner: Person) -> Made:
    """A notification of the owner's."""
    [row] = await world.fetch(
        """
        WITH counted AS (INSERT INTO notification_counters (user_id, unread) VALUES ($1, 1))
        INSERT INTO notifications (receiver_id, event_id, type, title, message)
        VALUES ($1, gen_random_uuid(), 'like', 'Somebody liked your post', '')
        RETURNING id
        """,
        owner.id,
    )
    return {"id": row["id"]}


async def own_profile(world: World, owner: Person) -> Made:
    """The owner's id."""
    return {"id": owner.id}


def as_made(made: Made) -> Made:
    """The body is what was made."""
    return made


OWN = "one's own only"
POLICY: list[Rule] = [
    # The service itself. No worker runs here, so it is not ready.
    Rule("GET /", ANYBODY, 200),
    Rule("GET /health", ANYBODY, 200),
    Rule("GET /ready", ANYBODY, 503),
    Rule("GET /metrics", ANYBODY, 200),
    Rule("GET /api/openapi.json", ANYBODY, 200),
    Rule("GET /api/asyncapi.json", ANYBODY, 200),
    Rule("GET /api/docs", ANYBODY, 200),
    Rule("GET /api/docs/{name}", ANYBODY, 200, make=a_page),
    # A plain GET is no handshake; who may make one is tried with the rooms.
    Rule("GET /ws", ANYBODY, 400),
    # Identity.
    Rule(
        "POST /auth/register",
        ANYBODY,
        201,
        make=an_address,
        body=lambda made: {**made, "password": "correct horse battery"},
    ),
    Rule("POST /auth/login", ANYBODY, 200, make=an_account, body=as_made),
    Rule("POST /auth/refresh", ANYBODY, 200, make=a_refresh_token, body=as_made),
    Rule("GET /auth/jwks", ANYBODY, 200),
    Rule("POST /auth/logout", A_PERSON, 204),
    Rule("GET /auth/me", "profile:read", 200),
    Rule("GET /auth/sessions", A_PERSON, 200),
    Rule("DELETE /auth/sessions", A_PERSON, 200),
    Rule("DELETE /auth/sessions/{id}", A_PERSON, 204, stranger=404, whose=OWN, make=a_session),
    Rule("POST /auth/ticket", A_PERSON, 201, body={"purpose": "ws"}),
    Rule("GET /auth/api-keys", A_PERSON, 200),
    Rule("POST /auth/api-keys", A_PERSON, 201, body={"name": "robot", "scopes": ["post:read"]}),
    Rule("DELETE /auth/api-keys/{id}", A_PERSON, 204, stranger=404, whose=OWN, make=an_api_key),
    Rule(
        "GET /events",
        "audit:read",
        200,
        otherwise="a person sees what they did themselves",
        key_of="admin",
    ),
    # Social.
    Rule("POST /posts", "post:create", 201, body={"body": "Hello."}),
    Rule("GET /posts", "post:read", 200),
    Rule("GET /posts/{id}", "post:read", 200, make=a_post),
    Rule(
        "PATCH /posts/{id}",
        "post:create",
        200,
        stranger=403,
        whose="the author only",
        make=a_post,
        body={"body": "Changed."},
    ),
    Rule("DELETE /posts/{id}", "post:create", 204, stranger=403, whose="the author only", make=a_post),
    Rule("GET /users/{id}/posts", "post:read", 200, make=own_profile),
    Rule("PUT /posts/{id}/like", "post:like", 200, make=a_post),
    Rule("DELETE /posts/{id}/like", "post:like", 200, make=a_post),
    Rule("GET /posts/{id}/likes", "post:read", 200, make=a_post),
    Rule(
        "POST /comments",
        "comment:create",
        201,
        make=a_post,
        body=lambda made: {"postId": made["id"], "body": "Indeed."},
    ),
    Rule("GET /comments/post/{id}", "post:read", 200, make=a_post),
    Rule(
        "PATCH /comments/{id}",
        "comment:create",
        200,
        stranger=403,
        whose="the author only",
        make=a_comment,
        body={"body": "Changed."},
    ),
    Rule(
        "DELETE /comments/{id}",
        "comment:create",
        204,
        stranger=403,
        whose="its author and the post's only",
        make=a_comment,
    ),
    Rule("PUT /users/{id}/follow", "user:follow", 200, make=another_person),
    Rule("DELETE /users/{id}/follow", "user:follow", 200, make=another_person),
    Rule("GET /users/{id}/followers", "user:read", 200, make=own_profile),
    Rule("GET /users/{id}/following", "user:read", 200, make=own_profile),
    # Notifications.
    Rule("GET /notifications", "notification:read", 200, whose=OWN),
    Rule("GET /notifications/unread-count", "notification:read", 200, whose=OWN),
    Rule("POST /notifications/read-all", "notification:update", 200, whose=OWN),
    Rule(
        "PATCH /notifications/{id}",
        "notification:update",
        200,
        stranger=404,
        whose=OWN,
        make=a_notification,
        body={"isRead": True},
    ),
    Rule(
        "DELETE /notifications/{id}",
        "notification:update",
        204,
        stranger=404,
        whose=OWN,
        make=a_notification,
    ),
]


async def post_id(world: World, owner: Person) -> Any:
    """The id of a post."""
    return (await a_post(world, owner))["id"]


async def own_id(world: World, owner: Person) -> Any:
    """The owner's id."""
    return owner.id


ROOMS: list[Room] = [
    Room("user", own_id, owner=True, stranger=False, manager=False, admin=False),
    Room("post", post_id, owner=True, stranger=True, manager=True, admin=True),
    Room("profile", own_id, owner=True, stranger=True, manager=True, admin=True),
]
