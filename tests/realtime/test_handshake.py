"""Handshakes that open a socket, and handshakes that are refused."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from nexcorp.errors import BadRequest
from nexcorp.realtime import routes
from nexcorp.realtime.node import NODE
from nexcorp.realtime.routes import open_socket
from nexcorp.security.app_keys import REQUEST_ID, REVOCATIONS
from tests.conftest import Live
from tests.realtime.helpers import closed
from tests.web.calls import serving

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}
ENVELOPE = {"statusCode", "code", "message", "errors", "timestamp", "path", "requestId"}


@pytest.fixture
def knock(client):
    """`status, body = await knock(headers, query)` sends a handshake and reads its refusal as HTTP."""

    async def ask(headers: dict[str, str], query: dict[str, str] | None = None):
        async with client.session.get(client.url + "/ws", headers=headers, params=query or {}) as answer:
            return answer.status, await answer.json()

    return ask


async def get_ticket(user, purpose="ws"):
    answer = await user.client.post("/api/v1/auth/ticket", json={"purpose": purpose})
    assert answer.status == 201
    return (await answer.json())["ticket"]


@pytest.mark.shared
async def test_each_proof_opens_a_socket(make_user, client):
    ada = await make_user()
    ways = [
        {"headers": ada.headers, "protocols": ("nexcorp.v1",)},
        {"protocols": ("nexcorp.v1", f"bearer.{ada.token}")},
        {"protocols": ("nexcorp.v1",), "params": {"ticket": await get_ticket(ada)}},
    ]
    for way in ways:
        async with client.session.ws_connect(client.url + "/ws", **way) as ws:
            hello = await Live(ws).next()
            assert ws.protocol == "nexcorp.v1"
            assert hello["event"] == "connected"
            assert set(hello["data"]) == {"userId", "sessionId", "epoch", "seq", "recovered", "expiresAt"}
            assert hello["data"]["userId"] == str(ada.id)
            assert hello["data"]["sessionId"] == str(ada.session_id)
            assert (hello["data"]["seq"], hello["data"]["recovered"]) == (0, False)


@pytest.mark.shared
async def test_ticket_opens_one_socket_of_its_purpose(make_user, client, knock):
    ada = await make_user()
    ticket = await get_ticket(ada)
    async with client.session.ws_connect(client.url + "/ws", params={"ticket": ticket}):
        assert (await knock(UPGRADE, {"ticket": ticket}))[0] == 401
    assert (await knock(UPGRADE, {"ticket": await get_ticket(ada, "download")}))[0] == 401
    late = await get_ticket(ada)
    assert (await ada.client.post("/api/v1/auth/logout")).status == 204
    assert (await knock(UPGRADE, {"ticket": late}))[0] == 401
    assert (await knock(UPGRADE, {"ticket": "made-up\ud7ff"}))[0] == 401


async def test_expired_ticket_is_refused(make_user, knock, service):
    ada = await make_user()
    ticket = await get_ticket(ada)
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE tickets SET expires_at = now() - interval '1 second'")
    assert (await knock(UPGRADE, {"ticket": ticket}))[0] == 401


@pytest.mark.shared
async def test_no_good_proof_is_401_before_the_upgrade(make_user, knock):
    ada = await make_user()
    ticket = await get_ticket(ada)
    for headers in (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic " + ada.token},
        {"Sec-WebSocket-Protocol": "nexcorp.v1, bearer."},
        {"Sec-WebSocket-Protocol": f"nexcorp.v1, bearer.{ada.token}x"},
        {"Cookie": f"accessToken={ada.token}"},
    ):
        status, body = await knock({**UPGRADE, **headers})
        assert (status, body["code"]) == (401, "unauthorized"), headers
        assert set(body) >= ENVELOPE
    # A valid ticket does not help beside an invalid header.
    assert (await knock({**UPGRADE, "Authorization": "Bearer nonsense"}, {"ticket": ticket}))[0] == 401


@pytest.mark.shared
async def test_api_key_is_told_that_it_opens_no_socket(knock):
    for headers in (
        {"Authorization": "Bearer nxk_whatever"},
        {"Sec-WebSocket-Protocol": "nexcorp.v1, bearer.nxk_whatever"},
    ):
        status, body = await knock({**UPGRADE, **headers})
        assert (status, body["code"]) == (403, "session_required")
        assert "sign in" in body["message"]


@pytest.mark.shared
async def test_revoked_session_cannot_come_back(make_user, knock):
    ada = await make_user()
    assert (await ada.client.post("/api/v1/auth/logout")).status == 204
    assert (await knock({**UPGRADE, **ada.headers}))[0] == 401


async def test_foreign_origin_is_403(make_user, client, web_only):
    ada = await make_user()
    runner, _, url = await web_only(env="production", cors_origins=("https://app.example.com",))
    try:
        for origin in (
            "https://evil.example",
            "null",
            "http://localhost:3000",
            "https://app.example.com.evil.io",
            # The Host header is no proof of the origin.
            url,
        ):
            headers = {**UPGRADE, **ada.headers, "Origin": origin}
            async with client.session.get(url + "/ws", headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (403, "origin_not_allowed"), origin
        for origin in ("https://app.example.com",):
            headers = {**ada.headers, "Origin": origin}
            async with client.session.ws_connect(url + "/ws", headers=headers) as ws:
                assert (await Live(ws).next())["event"] == "connected"
    finally:
        await runner.cleanup()


@pytest.mark.shared
async def test_plain_get_is_400(make_user, client):
    ada = await make_user()
    for headers in ({}, ada.headers):
        async with client.session.get(client.url + "/ws", headers=headers) as answer:
            assert answer.status == 400
            assert set(await answer.json()) >= ENVELOPE


async def test_session_that_ends_during_the_handshake_gets_no_socket(
    make_user, connect, service, monkeypatch
):
    ada = await make_user()
    prepare = web.WebSocketResponse.prepare

    async def revoke_then_prepare(self, request):
        service.app[REVOCATIONS].add_sessions([ada.session_id])
        return await prepare(self, request)

    monkeypatch.setattr(web.WebSocketResponse, "prepare", revoke_then_prepare)
    live = await connect(ada)
    assert (await closed(live))[0] == 4503


async def test_who_is_not_greeted_in_time_is_sent_away(make_user, connect, service, monkeypatch):
    """If PostgreSQL hangs behind a pooler, a client must not wait in silence."""
    ada, held = await make_user(), asyncio.Event()

    async def hang(conn, socket) -> None:
        await held.wait()

    monkeypatch.setattr(routes, "GREET_SECONDS", 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(service.app[NODE], "welcomes", [hang])
        live = await connect(ada)
        code, reason = await closed(live)
        held.set()
    assert (code, live.frames) == (4001, [])
    assert reason.startswith("reconnect in ")
    # A socket that was greeted in time is not closed later.
    live = await connect(ada)
    assert (await live.next())["event"] == "connected"
    await live.nothing("error", 1.3)
    assert not live.ws.closed


async def test_draining_node_takes_no_socket(make_user, service, knock):
    ada = await make_user()
    service.app[NODE].draining = True
    status, body = await knock({**UPGRADE, **ada.headers})
    assert (status, body["code"]) == (503, "draining")


@pytest.mark.shared
async def test_garbled_resume_counts_as_new(make_user, connect):
    ada = await make_user()
    for query in (
        {"epoch": "x", "seq": "0"},
        {"seq": "0"},
        {"epoch": "x"},
        {"epoch": "x", "seq": "-1"},
        {"epoch": "x", "seq": "9" * 40},
        {"epoch": "x", "seq": "²"},
        {"epoch": "\x00", "seq": "1e3"},
    ):
        live = await connect(ada, query)
        hello = await live.next()
        assert (hello["event"], hello["data"]["recovered"]) == ("connected", False), query
        await live.ws.close()


@pytest.mark.shared
async def test_socket_is_not_compressed(make_user, client):
    ada = await make_user()
    async with client.session.ws_connect(client.url + "/ws", headers=ada.headers, compress=15) as ws:
        assert ws.compress == 0
        assert isinstance(ws, aiohttp.ClientWebSocketResponse)


@pytest.mark.shared
async def test_the_upgrade_names_its_request_and_not_our_software(make_user, client):
    ada = await make_user()
    headers = {**ada.headers, "X-Request-Id": "socket-of-ada"}
    async with client.session.ws_connect(client.url + "/ws", headers=headers) as ws:
        answered = ws._response.headers
        assert (answered["Server"], answered["X-Request-Id"]) == ("nexcorp", "socket-of-ada")


@pytest.mark.shared
async def test_a_token_without_our_subprotocol_is_refused_and_not_logged(make_user, knock, caplog):
    ada = await make_user()
    status, body = await knock({**UPGRADE, "Sec-WebSocket-Protocol": f"bearer.{ada.token}"})
    assert (status, body["code"]) == (400, "subprotocol_required")
    assert ada.token not in caplog.text


async def test_a_crowd_behind_one_address_does_not_keep_the_signed_in_out(web_only):
    async with serving(web_only, rate_limit_anonymous=3, rate_limit_user=50) as (_, client):
        for _ in range(4):
            async with client.session.get(client.url + "/ws", headers=UPGRADE) as answer:
                status = answer.status
        assert status == 429
        async with client.session.ws_connect(client.url + "/ws", headers=client.headers) as ws:
            assert (await Live(ws).next())["event"] == "connected"


async def test_who_leaves_before_being_let_in_is_no_crash():
    """A balancer may cut the connection before the handshake is answered; that is no 500."""
    request = make_mocked_request("GET", "/ws", headers=UPGRADE)
    request[REQUEST_ID] = "it"
    request.protocol.transport = None
    node = SimpleNamespace(draining=False, positions=SimpleNamespace(epoch="1"))
    with pytest.raises(BadRequest):
        await open_socket(request, node, ("nexcorp.v1",))
