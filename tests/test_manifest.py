"""Features are put together once; a product that contradicts itself does not start."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from nexcorp.app import create_app, list_routes, make_documents
from nexcorp.config import REPOSITORY, Config
from nexcorp.db import Database
from nexcorp.delivery.events import EventType, Notice, NoticeType
from nexcorp.delivery.kinds import Kind
from nexcorp.domain.shapes import RoomPost
from nexcorp.errors import Conflict
from nexcorp.features import FEATURES, PRODUCT
from nexcorp.graphql.parts import Info, Part, member, root
from nexcorp.graphql.routes import make_schema
from nexcorp.manifest import Feature, Job, Product, SearchKind, Section, SocketCommand
from nexcorp.realtime.rooms import OWN
from nexcorp.realtime.shapes import TEXT, CommandDoc, FrameDoc, shape
from nexcorp.security.access import PUBLIC, allow
from nexcorp.web.routing import get

# Prints the modules that a process has loaded when it is ready.
LOADED = "import sys, {module}; {after}; print(*sys.modules)"


def notice(title: str = "Tea is ready", **more: Any) -> EventType:
    return EventType((Notice("tea", title, receivers=lambda event: (), **more),))


TEA = NoticeType("tea")
DOC = FrameDoc("Tea.", shape({"cup": TEXT}))


async def pour(request: Any) -> Any:
    """GET /tea"""


async def obey(client: Any, data: Any, frame_id: Any) -> None:
    """A command."""


async def read(conn: Any, **values: Any) -> list[Any]:
    """A statement."""
    return []


def search(permission: str = "post:read", event: str = "post.created") -> SearchKind:
    return SearchKind(read, read, {event: lambda event: ()}, permission)


TWICE: dict[str, tuple[dict[str, Any], str]] = {
    "event": ({"events": {"post.created": EventType()}}, "the event post.created twice"),
    "kind": ({"kinds": {"post": PRODUCT.kinds["post"]}}, "the kind post twice"),
    "frame": ({"frames": {"post:created": DOC}}, "the frame post:created twice"),
    "room": ({"rooms": {"post": OWN}}, "the room post twice"),
    "search kind": ({"search": {"post": search()}}, "the search kind post twice"),
    "section": ({"export": {"posts": Section(read)}}, "the section of the export posts twice"),
    "type": ({"notice_types": (NoticeType("like"),)}, "the type of notification like twice"),
    "types": ({"notice_types": (TEA, TEA)}, "the type of notification tea twice"),
    "permission": ({"permissions": ("post:read",)}, "the permission post:read twice"),
    "job": ({"jobs": (Job("tests.test_manifest:clean_up"),)}, "the job clean_up twice"),
}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "undeclared type": ({"events": {"tea.made": notice()}}, "declares the type of notification tea"),
    "two sentences": (
        {"notice_types": (TEA,), "events": {"tea.made": notice(), "tea.spilt": notice("Tea is gone")}},
        "two sentences of the variant ''",
    ),
    "a word of nobody": (
        {"notice_types": (TEA,), "events": {"tea.made": notice("{number} cups")}},
        r"nothing fills \['number'\]",
    ),
    "deleted": (
        {"kinds": {"tea": Kind(read, RoomPost, deleted="tea:deleted")}},
        "shown as deleted by the frame tea:deleted, which no feature brings",
    ),
    "search for the wrong": (
        {"search": {"tea": search("tea:drink")}},
        "needs the permission tea:drink, which no feature brings",
    ),
    "search after the wrong": ({"search": {"tea": search(event="tea.made")}}, "waits for the event tea.made"),
}


@pytest.mark.parametrize("case", [*TWICE, *WRONG])
def test_features_that_contradict_each_other_are_refused(case: str) -> None:
    brought, said = {**TWICE, **WRONG}[case]
    with pytest.raises(ValueError, match=said):
        Product((*FEATURES, Feature(name="tea", **brought)))


KNOWN = [get("/posts", pour, "Tea", None, access=PUBLIC)]
LOCKED = [get("/tea", pour, "Tea", None, access=allow("tea:drink"))]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("KNOWN", "the operation GET /api/v1/posts twice"),
        ("LOCKED", "GET /api/v1/tea needs the permission tea:drink, which no feature brings"),
    ],
)
def test_routes_that_contradict_each_other_are_refused(table: str, said: str) -> None:
    product = Product((*FEATURES, Feature(name="tea", routes=(f"{__name__}:{table}",))))
    with pytest.raises(ValueError, match=said):
        list_routes(product)


@root(int, allow("tea:drink"))
async def get_cups(info: Info) -> int:
    """How many cups there are."""
    return 1


@root(int, allow("post:read"))
async def get_unread_count(info: Info) -> int:
    """What another feature has already."""
    return 1


@member(int)
async def get_spoons(root: Any) -> int:
    """Anybody's."""
    return 1


THIRSTY, TAKEN, OPEN = (Part({"Query": [field]}) for field in (get_cups, get_unread_count, get_spoons))
STRAY = Part({"Teapot": [get_spoons]})


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("THIRSTY", "Query.getCups needs the permission tea:drink, which no feature brings"),
        ("TAKEN", "the GraphQL field Query.get_unread_count twice"),
        ("OPEN", "the GraphQL field Query.get_spoons says not who may call it"),
        ("STRAY", "added to the GraphQL type Teapot, which no feature shows"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(part: str, said: str) -> None:
    product = Product((*FEATURES, Feature(name="tea", graphql=f"{__name__}:{part}")))
    with pytest.raises(ValueError, match=said):
        make_schema(product)


class NoTea(Conflict):
    code, message, meaning = "room_not_found", "The pot is empty.", "There is no tea."


def command(answer: str | None = None, *errors: type[NoTea]) -> SocketCommand:
    return SocketCommand(obey, CommandDoc("Tea.", shape({}), answer, errors))


@pytest.mark.parametrize(
    ("brought", "said"),
    [
        ({"commands": {"ping": command()}}, "there is a command ping already"),
        ({"frames": {"pong": DOC}}, "there is a frame pong already"),
        ({"answers": {"pong": DOC}}, "there is a frame pong already"),
        ({"frames": {"tea": DOC}, "answers": {"tea": DOC}}, "there is a frame tea already"),
        ({"commands": {"pour": command("poured")}}, "the answer poured of the command pour is not described"),
        ({"commands": {"pour": command(None, NoTea)}}, "NoTea is not the only meaning of room_not_found"),
    ],
)
def test_what_the_protocol_has_is_not_brought_again(brought: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_documents(Product((*FEATURES, Feature(name="tea", **brought))))


def test_nobody_else_decides_who_is_in_a_persons_room(config: Config) -> None:
    product = Product((*FEATURES, Feature(name="tea", rooms={"user": OWN})))
    with pytest.raises(ValueError, match="there is a room user already"):
        create_app(config, product)


async def test_every_permission_is_inserted_by_a_migration(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT code FROM permissions")
        inserted = {row["code"] for row in rows}
    assert set(PRODUCT.permissions) == inserted


def test_the_list_of_public_events() -> None:
    public = set(PRODUCT.public_events)
    assert (
        {"post.created", "comment.deleted", "user.followed", "user.deleted"} <= public < set(PRODUCT.events)
    )
    # Events about sign-ins, and events that only one person should know.
    for name in public:
        subject = name.partition(".")[0]
        assert subject not in {
            "session",
            "password",
            "email",
            "identity",
            "api_key",
            "notification",
            "upload",
        }
        assert "draft" not in name
    assert not public & {"user.logged_in", "user.login_failed", "user.role_changed", "account.reclaimed"}


def test_notification_types_say_what_preferences_begin_with() -> None:
    kinds = PRODUCT.notice_types
    assert {name for name, kind in kinds.items() if kind.critical} == {"security"}
    assert kinds["security"].email == "always"
    assert {kind.email for kind in kinds.values()} <= {"offline", "always", "never"}
    told = {one.type for event in PRODUCT.events.values() for one in event.notices}
    assert told == set(kinds)


def list_loaded(module: str, after: str = "pass") -> set[str]:
    """Return the modules that a fresh process has loaded."""
    code = LOADED.format(module=module, after=after)
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=True)
    return set(run.stdout.decode().split())


def test_a_worker_loads_no_handlers_and_a_web_process_no_jobs() -> None:
    jobs = "from nexcorp.features import PRODUCT; workers.settings.list_jobs(PRODUCT)"
    worker = list_loaded("workers.settings", jobs)
    assert "workers.jobs.deliver" in worker
    assert not {name for name in worker if name.startswith("nexcorp.") and name.endswith("routes")}
    assert not worker & {"nexcorp.app", "nexcorp.web.routing", "nexcorp.web.gateway", "apispec"}
    assert not worker & {"nexcorp.graphql", "strawberry", "graphql"}
    web = list_loaded("nexcorp.app", "nexcorp.app.list_routes()")
    assert {"nexcorp.features.posts.routes", "strawberry"} <= web
    assert not {name for name in web if name.partition(".")[0] == "workers"}
