"""The documents and the command line: the printed document is the served one."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from nexcorp.__main__ import describe
from nexcorp.app import list_routes, make_documents
from nexcorp.collab import protocol as collab
from nexcorp.config import REPOSITORY, Config, child_environment
from nexcorp.db.migrations import MigrationError, migrate_up
from nexcorp.documents import editing
from nexcorp.documents.codes import find_errors, make_codes
from nexcorp.documents.frames import CLOSE_CODES
from nexcorp.documents.openapi import make_openapi
from nexcorp.errors import AppError, ConfigError, Conflict, NotFound
from nexcorp.features import PRODUCT
from nexcorp.realtime import protocol
from nexcorp.realtime.commands import COMMANDS
from nexcorp.realtime.errors import COMMAND_ERRORS, SOCKET_ENDS, CommandError, SocketEnded
from nexcorp.security.access import PUBLIC
from nexcorp.web.errors import status_of
from nexcorp.web.routing import get
from tests.contract import CODES, ROUTES, document, follow, operations

# Answers without an envelope: the probe's own body, aiohttp's for a file, GraphQL's errors.
OTHERS = {("^/ready$", "503"), ("^/media/[^/]+$", "412"), ("^/api/graphql$", "400")}
CONTRACT_CODES = {4001, 4005, 4008, 4010, 4012, 4013, 4500, 4503, 4504, 4507}


async def run(*arguments: str, **environment: str) -> tuple[int | None, str, str]:
    """Run `nexcorp` with only these settings; return (exit code, stdout, stderr)."""
    clean = {name: "" for name in ("DATABASE_URL", "REDIS_URL", "JWT_SECRET", "NEXCORP_ENV", "PORT")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "nexcorp",
        *arguments,
        cwd=REPOSITORY,
        env=child_environment(**clean | environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, error = await process.communicate()
    return process.returncode, out.decode(), error.decode()


@pytest.mark.shared
async def test_the_openapi_document_is_valid_and_served_as_printed(client: Any) -> None:
    code, out, error = await run("openapi")
    assert (code, error) == (0, "")
    printed = json.loads(out)
    assert printed["openapi"].startswith("3.1")
    validate(printed)
    answer = await client.get("/api/openapi.json")
    assert await answer.json() == printed


def test_every_route_is_in_the_document_once() -> None:
    served = {(route.method, route.full_path) for route in ROUTES if not route.hidden}
    assert len(operations()) == len(served)
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))


def test_every_operation_documents_how_it_fails() -> None:
    for method, pattern, operation in operations():
        where = f"{method} {pattern.pattern}"
        statuses = set(operation["responses"])
        assert {"500", "503"} <= statuses, where
        # A public route may ignore an invalid token.
        if operation["security"] and {} not in operation["security"]:
            assert "401" in statuses, where
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= statuses, where
        for status, response in operation["responses"].items():
            if status < "400" or (pattern.pattern, status) in OTHERS:
                continue
            response = follow(response)
            envelope, codes = response["content"]["application/json"]["schema"]["allOf"]
            assert envelope == {"$ref": "#/components/schemas/Error"}, where
            named = codes["properties"]["code"]["enum"]
            assert named, where
            for code in named:
                assert f"`{code}`: {CODES[int(status)][code]}" in response["description"], where


# Errors of the command line, and a stored answer that leaves its transaction: no client sees their codes.
UNSEEN = {"DatabaseNotEmpty", "LocksHeld", "MigrationError", "Replay", "SchemaError"}


def find_kinds(parent: type[AppError] = AppError) -> set[type[AppError]]:
    """Return every error class of the package below `parent`."""
    below = {kind for kind in parent.__subclasses__() if kind.__module__.startswith("nexcorp.")}
    return below.union(*(find_kinds(kind) for kind in below))


def test_every_error_that_is_raised_has_a_meaning_of_its_own() -> None:
    """`raise Conflict()` does not explain the conflict: only classes with a meaning are raised."""
    unseen, found = set(), 0
    for path in (REPOSITORY / "nexcorp").rglob("*.py"):
        names = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if path.name == "__main__.py":
            continue
        inside = vars(importlib.import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts)))
        for name in names:
            kind = inside.get(name)
            if isinstance(kind, type) and issubclass(kind, AppError):
                found += 1
                if not kind.meaning:
                    unseen.add(name)
    assert found > 100
    assert unseen == UNSEEN
    for kind in find_kinds() - {kind for kind in find_kinds() if kind.__name__ in UNSEEN}:
        assert ("code" in vars(kind)) >= ("meaning" in vars(kind)), kind


def test_every_error_is_one_that_some_route_or_command_names() -> None:
    commands = {kind for kind in find_kinds() if issubclass(kind, CommandError)} - {CommandError}
    assert commands == set(COMMAND_ERRORS)
    ends = {kind for kind in find_kinds() if issubclass(kind, SocketEnded)} - {SocketEnded}
    assert ends == set(SOCKET_ENDS)
    for kind in find_kinds() - commands - ends:
        if kind.meaning:
            assert CODES[status_of(kind)].get(kind.code) == kind.meaning, kind


class NoTea(Conflict):
    code, message, meaning = "no_tea", "The pot is empty.", "Nobody has made tea."


class NoTeaEither(Conflict):
    code, message, meaning = "no_tea", "The pot is broken.", "There is no pot."


async def pour(request: Any) -> Any:
    """GET /tea"""


def test_the_catalogue_is_made_of_the_routes_it_is_given() -> None:
    tea = get("/tea", pour, "Tea", None, access=PUBLIC, errors=(NoTea, NotFound))
    assert {status: [kind.code for kind in kinds] for status, kinds in find_errors(tea).items()} == {
        400: ["host_not_allowed", "bad_request"],
        404: ["not_found"],
        409: ["no_tea"],
        429: ["too_many_requests"],
        500: ["internal_error"],
        503: ["overloaded", "timeout", "contention", "database_unavailable", "database_exhausted"],
    }
    assert make_codes([tea])[409] == {"no_tea": "Nobody has made tea."}
    assert "no_tea" not in CODES[409]
    live = make_openapi([*ROUTES, tea])
    assert "| 409 | `no_tea` | Nobody has made tea. |" in live["info"]["description"]
    answer = follow(live["paths"]["/api/v1/tea"]["get"]["responses"]["409"], live)
    assert "- `no_tea`: Nobody has made tea." in answer["description"]


def test_a_code_means_one_thing() -> None:
    routes = [get("/tea", pour, "Tea", None, access=PUBLIC, errors=(kind,)) for kind in (NoTea, NoTeaEither)]
    with pytest.raises(ValueError, match="no_tea"):
        make_codes(routes)


def test_every_body_has_an_example_that_is_accepted() -> None:
    bodies = [route for route in ROUTES if route.body is not None]
    for route in bodies:
        operation = document()["paths"][route.full_path][route.method.lower()]
        contents = operation["requestBody"]["content"]
        if set(contents) == {"multipart/form-data"}:
            continue
        example = contents["application/json"]["example"]
        assert route.body is not None and route.body.load(example), route.full_path


def test_a_body_that_comes_as_a_form_alone_is_offered_as_nothing_else() -> None:
    paths = make_openapi(list_routes(), PRODUCT.names)["paths"]
    body = paths["/api/v1/uploads"]["post"]["requestBody"]
    assert body["required"] and list(body["content"]) == ["multipart/form-data"]
    assert body["content"]["multipart/form-data"]["schema"]["required"] == ["file"]
    # A route that takes a file only as one of several ways also accepts JSON, and requires no file.
    post = paths["/api/v1/posts"]["post"]["requestBody"]["content"]
    assert set(post) == {"application/json", "multipart/form-data"}
    assert "file" not in post["multipart/form-data"]["schema"]["required"]


def test_the_legal_moves_are_written_once_and_shown() -> None:
    text = document()["paths"]["/api/v1/posts/{id}/status"]["put"]["description"]
    assert "- announcement: draft -> published; published -> archived; archived -> published" in text
    assert "; on_hold -> open, in_progress, cancelled; completed -> in_progress; cancelled -> open" in text


def test_what_reads_if_match_says_so() -> None:
    reads = {
        f"{method} {pattern.pattern[1:-1]}"
        for method, pattern, operation in operations()
        if any(parameter["name"] == "If-Match" for parameter in operation["parameters"])
    }
    posts, comments, leads, tasks, views, projects, files, conversations, messages, chats = (
        f"/api/v1/{name}/[^/]+"
        for name in (
            *("posts", "comments", "leads", "tasks", "task-views"),
            *("projects", "files", "conversations", "messages", "ai/chats"),
        )
    )
    assert reads == {
        "PATCH /api/v1/users/me",
        "GET /media/[^/]+",
        f"PATCH {posts}",
        f"DELETE {posts}",
        f"PUT {posts}/status",
        f"PUT {posts}/assignee",
        f"PATCH {comments}",
        f"DELETE {comments}",
        f"PATCH {leads}",
        f"DELETE {leads}",
        f"PUT {leads}/score",
        f"PUT {leads}/stage",
        f"POST {leads}/merge",
        f"PATCH {leads}/interactions/[^/]+",
        f"DELETE {leads}/interactions/[^/]+",
        f"PATCH {tasks}",
        f"DELETE {tasks}",
        f"PUT {tasks}/assignee",
        f"PATCH {views}",
        f"DELETE {views}",
        f"PATCH {projects}",
        f"DELETE {projects}",
        f"PATCH {files}",
        f"DELETE {files}",
        f"PUT {files}/content",
        *(f"{method} {path}" for method in ("PATCH", "DELETE") for path in (conversations, messages, chats)),
        "PATCH /api/v1/webhooks/[^/]+",
    }


@pytest.mark.shared
async def test_documents_and_pages_are_kept_and_compressed(client: Any) -> None:
    for path, kind, kept in (
        ("/api/openapi.json", "application/json", "public, max-age=300"),
        ("/api/asyncapi.json", "application/json", "public, max-age=300"),
        ("/", "text/html", "no-cache"),
        ("/api/docs", "text/html", "no-cache"),
        ("/api/docs/swagger-ui-bundle.js", "text/javascript", "public, max-age=86400"),
        ("/api/docs/swagger-ui.css", "text/css", "public, max-age=86400"),
        ("/api/docs/start.js", "text/javascript", "public, max-age=86400"),
    ):
        plain = await client.get(path, headers={"Accept-Encoding": "gzip;q=0, br"})
        packed = await client.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])
        assert await packed.read() == await plain.read()
        for answer in (plain, packed):
            assert answer.content_type == kind and answer.charset == "utf-8"
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["Cache-Control"] == kept
            known = {"If-None-Match": f'"other", {answer.headers["ETag"]}'}
            again = await client.get(path, headers=known)
            assert (again.status, again.headers["ETag"]) == (304, answer.headers["ETag"])
            assert again.headers["Cache-Control"] == kept
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).status == 200


async def test_the_asyncapi_document_has_every_command_and_close_code() -> None:
    code, out, _ = await run("openapi", "--asyncapi")
    assert code == 0
    live = json.loads(out)
    assert live["asyncapi"].startswith("3.")
    assert live["servers"]
    operations = {
        name: operation
        for name, operation in live["operations"].items()
        if operation["channel"] == {"$ref": "#/channels/ws"}
    }
    messages = {name: follow(message, live) for name, message in live["channels"]["ws"]["messages"].items()}
    assert {name for name in operations if operations[name]["action"] == "receive"} == {
        *COMMANDS,
        *PRODUCT.commands,
    }
    for name in COMMANDS:
        assert [follow(message, live)["name"] for message in operations[name]["messages"]] == [name]
        replies = [follow(message, live)["name"] for message in operations[name]["reply"]["messages"]]
        assert replies[-1] == "error" and len(replies) == 2, name
    batch = messages.pop("batch")["payload"]["items"]["oneOf"]
    assert [follow(frame, live) for frame in batch] == [
        message["payload"] for name, message in messages.items() if name.startswith("server")
    ]
    for name, message in messages.items():
        assert message["payload"]["properties"]["event"] == {"const": message["name"]}, name
    codes = {value for value in vars(protocol).values() if type(value) is int and 4000 <= value < 5000}
    assert codes | {4507, 1002, 1007, 1009} == set(CLOSE_CODES)
    assert {number for number in CLOSE_CODES if number >= 4000} == CONTRACT_CODES
    for number in CLOSE_CODES:
        assert f"- {number}: " in live["info"]["description"]


def test_the_asyncapi_document_has_the_messages_and_codes_of_editing() -> None:
    live = json.loads(make_documents().asyncapi.body)
    channel = live["channels"]["collab"]
    assert channel["address"] == "/collab/{fileId}"
    names = {follow(message, live)["name"] for message in channel["messages"].values()}
    assert names == {name for name, _, _ in editing.MESSAGES}
    codes = {value for value in vars(collab).values() if type(value) is int and 4000 <= value < 5000}
    assert codes | {4001, 4008, 4012, 4013, 4409} == set(editing.CLOSE_CODES)
    for number in editing.CLOSE_CODES:
        assert f"- {number}: " in channel["description"]


def test_references_in_the_asyncapi_document_lead_somewhere() -> None:
    text = make_documents().asyncapi.body.decode()
    live = json.loads(text)
    for ref in set(re.findall(r'"\$ref":"([^"]+)"', text)):
        assert follow({"$ref": ref}, live), ref


def test_no_payload_in_the_asyncapi_document_is_a_bare_object() -> None:
    live = json.loads(make_documents().asyncapi.body)
    for message in live["components"]["messages"].values():
        Draft202012Validator.check_schema(message["payload"])
    for reference in live["channels"]["ws"]["messages"].values():
        message = follow(reference, live)
        if message["name"] == "batch":
            continue
        data = message["payload"]["properties"]["data"]
        shapes = [follow(shape, live) for shape in data.get("oneOf", [data])]
        empty = message["name"] == "ping"
        assert all(bool(shape["properties"]) is not empty for shape in shapes), message["name"]


@pytest.mark.parametrize("command", ["web", "worker"])
async def test_a_missing_secret_is_one_clear_line(command: str) -> None:
    code, out, error = await run(
        command, DATABASE_URL="postgresql://nobody@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1"
    )
    assert (code, out) == (1, "")
    assert error.splitlines() == ["nexcorp: JWT_SECRET needs at least 32 bytes"]


async def test_everything_that_is_missing_or_wrong_is_named_at_once() -> None:
    code, _, error = await run("web", JWT_SECRET="short")
    assert code == 1
    (line,) = error.splitlines()
    for name in ("DATABASE_URL", "REDIS_URL", "JWT_SECRET"):
        assert name in line
    assert "short" not in line
    code, _, error = await run("web", PORT="many", MAX_IN_FLIGHT="0", DATABASE_POOL="9..1")
    assert code == 1
    (line,) = error.splitlines()
    for name in ("PORT", "MAX_IN_FLIGHT", "DATABASE_POOL"):
        assert name in line


async def test_production_gets_no_account_with_a_published_password(
    database_url: str, valkey: Any, database: Any
) -> None:
    code, out, error = await run(
        "seed", DATABASE_URL=database_url, REDIS_URL=valkey.url, JWT_SECRET="s" * 32, NEXCORP_ENV="production"
    )
    assert (code, out) == (1, "")
    (line,) = error.splitlines()
    assert "nexcorp admin create" in line
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM users") == 0


@pytest.fixture
def bare_url(postgres: Any) -> Iterator[str]:
    """The URL of a database without migrations."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE bare")
        yield postgres.url.rpartition("/")[0] + "/bare"
        conn.execute("DROP DATABASE bare WITH (FORCE)")


async def test_commands_before_the_first_migration_say_so_in_a_line(bare_url: str) -> None:
    given = {"DATABASE_URL": bare_url}
    for command in (("seed",), ("admin", "create", "a@example.com", "--password", "rain-on-a-tin-roof")):
        code, _, error = await run(*command, NEXCORP_ENV="development", **given)
        assert code == 1
        assert error.splitlines() == ["nexcorp: the database is not migrated: run `nexcorp migrate up` first"]
    code, out, _ = await run("migrate", "status", **given)
    assert code == 0
    assert all(line.startswith("not applied") for line in out.splitlines())


async def test_migrate_status_says_when(database_url: str) -> None:
    code, out, _ = await run("migrate", "status", DATABASE_URL=database_url)
    assert code == 0
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line) for line in out.splitlines())


async def test_what_keeps_an_administrator_from_being_made_is_named(database_url: str) -> None:
    # An operator with access to the database needs no other setting.
    given = {"DATABASE_URL": database_url}
    for arguments, name in ((("nobody", "--password", "rain-on-a-tin-roof"), "email"),
                            (("a@example.com", "--password", "short"), "password")):  # fmt: skip
        code, _, error = await run("admin", "create", *arguments, **given)
        assert code == 1
        (line,) = error.splitlines()
        assert f"{name}: " in line
    code, _, error = await run("admin", "create", "a@example.com", **given)
    assert (code, error) == (1, "nexcorp: no password: give --password, or write it to stdin\n")
    code, _, error = await run("admin", "create", "a@example.com")
    assert (code, error.count("\n"), "`nexcorp dev`" in error) == (1, 1, True)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("url", ["mysql://u:hush@host/x", "redis://u:hush@[::1/0"])
async def test_a_malformed_address_is_one_line(name: str, url: str) -> None:
    code, _, error = await run("migrate", "up", **{name: url})
    assert code == 1
    (line,) = error.splitlines()
    assert line.startswith(f"nexcorp: {name}: wants ")
    assert "hush" not in line


def test_a_database_that_cannot_be_used_is_one_line(postgres: Any) -> None:
    for part in ("port/x", "99999/x", "5432/x?sslmode=bogus", "5432/x?bogus=1", "5432/x y"):
        with pytest.raises(ConfigError, match=r"^DATABASE_URL: ") as wrong:
            Config.from_env({"DATABASE_URL": f"postgresql://u:hush@127.0.0.1:{part}"})
        assert "hush" not in str(wrong.value)
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE odd ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        conn.execute("CREATE DATABASE locked TEMPLATE template0")
        conn.execute("CREATE ROLE weak LOGIN PASSWORD 'pw'")
        base = postgres.url.rpartition("/")[0]
        weak = f"postgresql://weak:pw@{base.rpartition('@')[2]}"
        try:
            for url, said in ((f"{base}/odd", "encoding LATIN1"), (f"{weak}/locked", "permission denied")):
                with pytest.raises((MigrationError, psycopg.Error)) as caught:
                    migrate_up(url)
                line = describe(caught.value)
                assert line
                assert said in line
                assert "\n" not in line
        finally:
            conn.execute("DROP DATABASE odd")
            conn.execute("DROP DATABASE locked")
            conn.execute("DROP ROLE weak")


async def test_an_unreachable_database_is_one_line_for_migrate() -> None:
    code, _, error = await run("migrate", "up", DATABASE_URL="postgresql://nobody:hush@127.0.0.1:1/x")
    assert code == 1
    (line,) = error.splitlines()
    assert line.startswith("nexcorp: DATABASE_URL cannot be used")
    assert "hush" not in line


async def test_whoever_stops_reading_is_told_of_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nexcorp", "openapi"),
        cwd=REPOSITORY,
        env=child_environment(),
        stdout=write,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(write)
    async with asyncio.timeout(30):
        _, error = await process.communicate()
    assert (process.returncode, error) == (141, b"")


async def test_the_doctor_names_each_setting_and_what_is_wrong_and_no_secret(
    database_url: str, valkey: Any
) -> None:
    secret = "canary-" * 8
    code, out, error = await run("doctor", DATABASE_URL=database_url, REDIS_URL=valkey.url, JWT_SECRET=secret)
    assert (code, error) == (1, "")
    checks = r"^(secret|postgresql|redis|assistant|git|worker) +(ok|WRONG)$"
    found = dict(re.findall(checks, out, re.MULTILINE))
    assert found.pop("worker") == "WRONG" and set(found.values()) == {"ok"} and len(found) == 5
    assert re.search(r", git \d+\.\d+", out)
    assert "nexcorp worker" in out
    assert "Web Push is off" in out
    assert secret not in out
    assert database_url.split("@")[0].rpartition(":")[2] not in out
    for name in ("DATABASE_URL", "JWT_SECRET", "CORS_ORIGINS", "MAX_IN_FLIGHT"):
        assert re.search(rf"^{name} ", out, re.MULTILINE), name
    code, out, _ = await run("doctor", DATABASE_URL="postgresql://nobody:hush@127.0.0.1:1/x")
    assert code == 1
    assert "JWT_SECRET needs 32 bytes" in out
    assert "hush" not in out
