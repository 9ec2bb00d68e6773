"""clients/javascript, run by Node, against the running service."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from nexcorp_client.client import UNKEYED

from nexcorp.app import make_documents
from nexcorp.config import REPOSITORY
from nexcorp.documents.typescript import CLIENT_TYPES, write_types
from tests.api import fetch_value
from tests.libraries.conftest import REFUSAL, write_and_cut
from tests.realtime.helpers import create_post

pytestmark = pytest.mark.shared

CLIENT = REPOSITORY / "clients/javascript"
CALLS = Path(__file__).with_name("calls.mjs")


@functools.cache
def node() -> tuple[str, ...]:
    """Return the command of a Node with WebSockets; skip the test without one."""
    if shutil.which("node") is None:
        pytest.skip("needs Node")
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    major = int(found.removeprefix("v").partition(".")[0])
    if major < 20:
        pytest.skip(f"needs Node 20 or newer, not {found.strip()}")
    return ("node",) if major >= 22 else ("node", "--experimental-websocket", "--no-warnings")


async def start(*arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(*node(), *arguments, stdout=asyncio.subprocess.PIPE)


async def call(name: str, **options: Any) -> list[Any]:
    """Run a step of calls.mjs; return the lines it prints."""
    process = await start(CALLS, name, json.dumps(options))
    try:
        async with asyncio.timeout(40):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def test_types_are_those_of_the_document() -> None:
    """`make types` writes the types; run it after a change of a route or a schema."""
    assert CLIENT_TYPES.read_text() == write_types(json.loads(make_documents().openapi.body))


async def test_the_example_of_the_readme(make_user: Any, service: Any, tmp_path: Path) -> None:
    ada = await make_user()
    [code] = re.findall(r"```js\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    shutil.copy(CLIENT / "nexcorp.js", tmp_path / "nexcorp.mjs")
    example = tmp_path / "example.mjs"
    example.write_text(code.replace("./nexcorp.js", "./nexcorp.mjs"))
    process = await start(example, service.url, ada.email, ada.password)
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert process.returncode == 0
    assert lines[0] == f"{ada.username} says: At noon."
    assert "Shall we have lunch outside?" in lines
    assert lines[-1].startswith("422 validation_failed { body: ")


async def test_the_session_lists_errors_and_the_end(make_user: Any, service: Any) -> None:
    ada = await make_user()
    said = await call("session", url=service.url, email=ada.email, password=ada.password)
    assert [said[0]["status"], said[0]["code"]] == [401, "invalid_credentials"]
    assert said[1] == [2, ada.email]
    assert said[2] == [f"Number {number}." for number in (5, 4, 3, 2, 1)]
    assert [said[3]["status"], said[3]["code"], said[3]["errors"]] == [422, "validation_failed", ["body"]]
    assert said[3]["requestId"]
    assert [said[4]["code"], said[5]["code"]] == ["room_not_found", "unknown_event"]
    assert said[6] == ["time"]
    assert said[7] == "closed"
    assert [said[8]["code"], said[8]["closeCode"]] == ["session_revoked", 4503]
    assert [error["status"] for error in said[9:]] == [401, 401, 403]


async def test_nothing_keeps_the_process_alive_behind_close() -> None:
    assert await call("closed") == ["closed", False]


async def test_what_fails_for_a_while_is_tried_again_with_one_key(failing: Any) -> None:
    failing.answers = [
        web.json_response(REFUSAL, status=503, headers={"Retry-After": "1"}),
        web.Response(status=502, text="<html>"),
        web.json_response({"id": "made"}, status=201),
        web.json_response(REFUSAL | {"code": "not_configured"}, status=503),
        web.json_response(REFUSAL, status=429, headers={"Retry-After": "3600"}),
    ]
    made, *refused = await call("retries", url=failing.url)
    assert made == {"id": "made"}
    assert [error["code"] for error in refused] == ["not_configured", "overloaded"]
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in failing.asked[:3]}) == 1
    assert len(failing.asked) == 5


async def test_what_may_have_happened_and_has_no_key_is_not_tried_again(failing: Any) -> None:
    # Both clients and the console have the same rule.
    for module in (CLIENT / "nexcorp.js", REPOSITORY / "nexcorp/features/console/static/lib/api.js"):
        [unkeyed] = re.findall(r"UNKEYED =\s+/\^(.*)\$/;", module.read_text())
        assert unkeyed.replace("\\/", "/") == UNKEYED.pattern
    failing.asked.clear()
    failing.answers = [web.Response(status=502, text="<html>") for _ in range(3)]
    assert [error["status"] for error in await call("unkeyed", url=failing.url)] == [502, 502, 502]
    assert len(failing.asked) == 3


@pytest.mark.parametrize("batch", [False, True])
async def test_nothing_is_lost_or_shown_twice_where_the_line_is_cut(
    make_user: Any, service: Any, line: Any, batch: bool
) -> None:
    ada = await make_user()
    post = await create_post(ada)
    room, total = f"post:{post}", 120
    url = f"http://127.0.0.1:{line.port}"
    options = {"url": url, "token": ada.token, "room": room, "total": total, "batch": batch}
    process = await start(CALLS, "cut", json.dumps(options))
    assert process.stdout is not None
    async with asyncio.timeout(40):
        assert json.loads(await process.stdout.readline()) == "ready"
        await write_and_cut(service, line, post, ada.id, total, 4)
        assert json.loads(await process.stdout.readline()) == total // 2 - 1
        shown = json.loads(await process.stdout.readline())
        assert await process.wait() == 0
    # The frame at which the first connection was closed was not yet processed, so it comes again.
    assert shown == [*range(1, total // 2 + 1), *range(total // 2, total + 1)]
    acked = "SELECT seq FROM room_acks WHERE room = $1 AND session_id = $2"
    assert await fetch_value(service, acked, room, ada.session_id) == total - 1
