"""Reports of errors: the data that Sentry gets from a line of the log, and the data it never gets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from nexcorp import extras
from nexcorp.config import Config
from nexcorp.errors import ConfigError
from nexcorp.extras import find_missing, make_reporter, make_tracer

SECRET = "what nobody may report"
# Does the same as a process: settings, log, then errors of several kinds.
SCRIPT = """
import asyncio, logging, sys
import asyncpg, structlog
from nexcorp import extras
from nexcorp.config import Config
from nexcorp.context import RequestContext, current
from nexcorp.errors import NotFound
from nexcorp.logs import set_up_logs

secret = sys.argv[2]
set_up_logs(Config(sentry_dsn=sys.argv[1], env="development"))
log = structlog.get_logger("nexcorp.web")
current.set(RequestContext("the-request", ip="192.0.2.7"))

def crash(password):
    row = {"email": secret}
    error = asyncpg.UniqueViolationError(secret)
    error.constraint_name = "users_email_key"
    try:
        raise error
    except asyncpg.PostgresError as found:
        raise ValueError(secret) from found

try:
    crash(secret)
except ValueError:
    log.exception("request crashed", path="/" + secret, method="GET")
try:
    raise NotFound(message=secret)
except NotFound as error:
    log.error("a task of this node ended", exc_info=error)
log.error("outbox row is dead", row=7, reason=secret)
log.warning("only a warning", text=secret)
logging.getLogger("aiohttp.server").error("from %s", secret)

async def leave_failed():
    async def fail():
        raise RuntimeError(secret)
    asyncio.get_running_loop().create_task(fail())
    await asyncio.sleep(0.01)

asyncio.run(leave_failed())
"""


class Sentry:
    """Takes envelopes; keeps their events, and their bytes."""

    def __init__(self) -> None:
        self.dsn, self.status = "", 200
        self.events: list[dict[str, Any]] = []
        self.raw = b""

    async def take(self, request: web.Request) -> web.Response:
        """Answer POST /api/{project}/envelope/."""
        assert "sentry_key=public" in request.headers["X-Sentry-Auth"]
        body = await request.read()
        self.raw += body
        lines = body.split(b"\n")
        self.events += [
            json.loads(lines[at + 1])
            for at, line in enumerate(lines[:-1])
            if b'"type":"event"' in line.replace(b" ", b"")
        ]
        return web.json_response({"id": "1"}, status=self.status)


@pytest.fixture
async def sentry() -> AsyncIterator[Sentry]:
    found = Sentry()
    app = web.Application()
    app.router.add_post("/api/{project}/envelope/", found.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.dsn = f"http://public@127.0.0.1:{runner.addresses[0][1]}/42"
    yield found
    await runner.cleanup()


async def run_script(dsn: str) -> str:
    """Run the script; return its output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        dsn,
        SECRET,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_errors_are_reported_without_what_they_say(sentry: Sentry) -> None:
    await run_script(sentry.dsn)
    by_message = {event["message"]: event for event in sentry.events}
    assert set(by_message) == {
        "request crashed",
        "a task of this node ended",
        "outbox row is dead",
        "an error in aiohttp.server",
        "an error in asyncio",
    }
    assert SECRET.encode() not in sentry.raw and b"192.0.2.7" not in sentry.raw
    crashed = by_message["request crashed"]
    assert crashed["tags"] == {"requestId": "the-request"} and crashed["environment"] == "development"
    assert crashed["release"].startswith("nexcorp-connect@")
    values = crashed["exception"]["values"]
    assert [(value["type"], value["value"]) for value in values] == [
        ("UniqueViolationError", "23505 users_email_key"),
        ("ValueError", ""),
    ]
    assert [frame["function"] for frame in values[1]["stacktrace"]["frames"]] == ["<module>", "crash"]
    assert "vars" not in json.dumps(crashed) and "breadcrumbs" not in crashed
    [ended] = by_message["a task of this node ended"]["exception"]["values"]
    assert (ended["type"], ended["value"]) == ("NotFound", "not_found")
    assert "exception" not in by_message["outbox row is dead"]
    assert by_message["an error in asyncio"]["exception"]["values"][0]["type"] == "RuntimeError"


async def test_a_place_for_reports_that_is_away_changes_nothing(sentry: Sentry) -> None:
    sentry.status = 503
    output = await run_script(sentry.dsn)
    assert output.count("request crashed") == 1
    # Nothing listens at this port.
    output = await run_script("http://public@127.0.0.1:1/42")
    assert output.count("request crashed") == 1 and "sentry" not in output


def test_a_wrong_address_is_not_quoted() -> None:
    for wrong in ("ftp://k3y@h/1", "https://h-k3y/1", "https://k3y@h/", "https://k3y@h/name"):
        with pytest.raises(ConfigError) as caught:
            Config.from_env({"SENTRY_DSN": wrong})
        assert "SENTRY_DSN" in str(caught.value) and "k3y" not in str(caught.value)
    assert Config.from_env({"SENTRY_DSN": "https://key@host/a/1"}).sentry_dsn


def test_a_setting_whose_packages_are_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = Config(otel_endpoint="http://127.0.0.1:1")
    reported = Config(sentry_dsn="http://public@127.0.0.1:1/1")
    assert find_missing(traced) == find_missing(reported) == find_missing(Config()) == []
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT .* pip install '\.\[otel\]'"):
        make_tracer(traced, "x")
    with pytest.raises(ConfigError, match=r"SENTRY_DSN .* pip install '\.\[sentry\]'"):
        make_reporter(reported)
    assert make_tracer(Config(), "x") is None and make_reporter(Config()) is None
