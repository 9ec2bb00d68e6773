"""clients/python against the running service."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from typing import Any

import pytest
from aiohttp import FormData, web
from nexcorp_client import ApiError, Client, Place
from nexcorp_client.client import UNKEYED

from nexcorp.app import make_documents
from nexcorp.config import REPOSITORY
from nexcorp.documents.python_types import PYTHON_TYPES, write_python_types
from nexcorp.realtime.node import NODE
from tests.api import API, fetch_value, publish
from tests.conftest import wait_until
from tests.features.uploads.files import picture
from tests.libraries.conftest import REFUSAL, list_unkeyed, write_and_cut
from tests.realtime.helpers import create_post, edit_post

pytestmark = pytest.mark.shared

CLIENT = REPOSITORY / "clients/python"


def test_types_are_those_of_the_document() -> None:
    """`make types` writes the types; run it after a change of a route or a schema."""
    assert PYTHON_TYPES.read_text() == write_python_types(json.loads(make_documents().openapi.body))


async def test_the_example_of_the_readme(make_user: Any, service: Any) -> None:
    ada = await make_user()
    [code] = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, service.url, ada.email, ada.password),
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert process.returncode == 0
    assert lines[0] == f"{ada.username} says: At noon."
    assert "Shall we have lunch outside?" in lines
    assert lines[-1].startswith("422 validation_failed {'body': ")


async def test_the_session_is_renewed_and_ends(make_user: Any, service: Any) -> None:
    ada = await make_user()
    kept: list[str] = []
    async with Client(service.url, on_refresh=kept.append) as client:
        with pytest.raises(ApiError) as wrong:
            await client.sign_in(ada.email, "not this one")
        assert (wrong.value.status, wrong.value.code) == (401, "invalid_credentials")
        await client.sign_in(ada.email, ada.password, "a test")
        first = client.token
        # Requests at the same time share one refresh of the token.
        client._until = 0.0
        await asyncio.gather(*(client.get("/auth/me") for _ in range(5)))
        assert client.token != first and len(kept) == 2
        # The service refuses this token, although the client takes it for valid.
        client._token = "no.good.token"
        assert (await client.get("/auth/me"))["username"] == ada.username
        assert len(kept) == 3
    async with Client(service.url, refresh_token=kept[-1]) as client:
        assert (await client.get("/auth/me"))["username"] == ada.username
        await client.sign_out()
        with pytest.raises(ApiError) as ended:
            await client.get("/auth/me")
        assert (ended.value.status, ended.value.code) == (401, "unauthorized")
        assert ended.value.request_id


async def test_lists_are_walked_and_errors_say_all(make_user: Any, service: Any) -> None:
    ada = await make_user()
    made = [(await publish(ada, f"Number {number}."))["id"] for number in range(5)]
    async with Client(service.url, token=ada.token) as client:
        assert [post["id"] async for post in client.list("/posts", limit=2)][:5] == made[::-1]

        def form() -> FormData:
            found = FormData()
            found.add_field("file", picture(), filename="lunch.png")
            return found

        upload = await client.request("POST", "/uploads", form)
        post = await client.post("/posts", {"body": "Like this.", "uploadIds": [upload["id"]]})
        assert [one["id"] for one in post["uploads"]] == [upload["id"]]
        with pytest.raises(ApiError) as wrong:
            await client.post("/posts", {"body": ""})
        error = wrong.value
        assert (error.status, error.code, list(error.errors)) == (422, "validation_failed", ["body"])
        assert error.request_id and not error.passing


async def test_what_fails_for_a_while_is_tried_again_with_one_key(failing: Any) -> None:
    failing.answers = [
        web.json_response(REFUSAL, status=503, headers={"Retry-After": "1"}),
        web.Response(status=502, text="<html>"),
        web.json_response({"id": "made"}, status=201),
        web.json_response(REFUSAL | {"code": "not_configured"}, status=503),
        web.json_response(REFUSAL, status=429, headers={"Retry-After": "3600"}),
    ]
    loop = asyncio.get_running_loop()
    async with Client(failing.url, token="t") as client:
        began = loop.time()
        assert await client.post("/posts", {"body": "Once."}) == {"id": "made"}
        assert loop.time() - began >= 1
        keys = {headers["Idempotency-Key"] for _, _, headers, _ in failing.asked}
        bodies = {body for _, _, _, body in failing.asked}
        assert (len(failing.asked), len(keys), len(bodies)) == (3, 1, 1)
        # Neither error will pass soon, so the client does not retry.
        for code in ("not_configured", "overloaded"):
            with pytest.raises(ApiError) as refused:
                await client.get("/posts")
            assert (refused.value.code, refused.value.request_id) == (code, "r1")
        assert len(failing.asked) == 5


async def test_what_may_have_happened_and_has_no_key_is_not_tried_again(failing: Any) -> None:
    paths = list_unkeyed()
    assert "/auth/login" in paths and all(UNKEYED.fullmatch(path) for path in paths)
    assert not [path for path in ("/auth/refresh", "/auth/logout", "/posts") if UNKEYED.fullmatch(path)]
    failing.asked.clear()
    failing.answers = [web.json_response(REFUSAL, status=503, headers={"Retry-After": "1"})]
    failing.answers += [web.Response(status=502, text="<html>") for _ in range(2)]
    async with Client(failing.url, token="t") as client:
        for call in (client.sign_in("ada@example.com", "secret"), client.post("/webhooks", {})):
            with pytest.raises(ApiError) as lost:
                await call
            assert lost.value.status == 502
    # A refusal is safe to retry: nothing has happened.
    assert [path.removeprefix(API) for _, path, _, _ in failing.asked] == [
        "/auth/login",
        "/auth/login",
        "/webhooks",
    ]


@pytest.mark.parametrize("batch", [False, True])
async def test_nothing_is_lost_or_shown_twice_where_the_line_is_cut(
    make_user: Any, service: Any, line: Any, batch: bool
) -> None:
    ada = await make_user()
    post = await create_post(ada)
    room, total, cuts = f"post:{post}", 120, 4
    async with Client(f"http://127.0.0.1:{line.port}", token=ada.token) as client:
        async with client.live(room, batch=batch) as live:
            written = asyncio.create_task(write_and_cut(service, line, post, ada.id, total, cuts))
            shown: list[int] = []
            async with asyncio.timeout(40):
                async for frame in live:
                    assert frame.event != "lost"
                    if frame.room == room:
                        assert frame.seq is not None
                        shown.append(frame.seq)
                        if len(shown) == total // 2:
                            break
            await written
            kept = live.places
        # The frame at which the loop was left was not yet processed.
        assert kept[room].seq == total // 2 - 1
        async with client.live(places=kept) as live, asyncio.timeout(20):
            async for frame in live:
                if frame.room == room:
                    shown.append(frame.seq or 0)
                    if frame.seq == total:
                        break
    assert shown == [*range(1, total // 2 + 1), *range(total // 2, total + 1)]
    # Frames are acknowledged when the block ends, except the last one, at which the loop was left.
    acked = "SELECT seq FROM room_acks WHERE room = $1 AND session_id = $2"
    assert await fetch_value(service, acked, room, ada.session_id) == total - 1


async def until(live: Any, event: str) -> Any:
    """Return the next frame of an event."""
    async with asyncio.timeout(20):
        async for frame in live:
            if frame.event == event:
                return frame


async def test_rooms_are_joined_left_and_refused(make_user: Any, service: Any) -> None:
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    room, nowhere = f"post:{post}", "post:01890a5d-ac96-774b-bcce-b302099a8057"
    async with Client(service.url, token=ada.token) as client, client.live() as live:
        with pytest.raises(ApiError) as refused:
            await live.join(nowhere)
        assert refused.value.code == "room_not_found"
        with pytest.raises(ApiError) as refused:
            await live.say("no-such-command")
        assert refused.value.code == "unknown_event"
        place = await live.join(room)
        assert set(await live.say("ping")) == {"time"}
        # The client is told of frames it cannot get any more, and goes on.
        await edit_post(service.db, post, ada.id)
        frame = await until(live, "post:updated")
        assert (frame.room, frame.seq) == (room, 1)
        await live.leave(room)
        assert await live.join(room, Place("another epoch", place.seq)) == Place(place.epoch, 1)
        assert (await until(live, "lost")).room == room
        # A like notifies the author, in the author's own room.
        assert (await grace.client.put(f"/api/v1/posts/{post}/like")).status == 200
        assert (await until(live, "notification:created")).room == f"user:{ada.id}"


async def test_whoever_reads_is_told_of_the_end(make_user: Any, service: Any) -> None:
    ada = await make_user()

    async def read(live: Any) -> None:
        async for _ in live:
            pass

    async with Client(service.url, token=ada.token) as client, asyncio.timeout(20):
        async with client.live() as live:
            reader = asyncio.create_task(read(live))
            # A newer service may send members that this client does not know.
            live._receive(**{"event": "new", "data": {}, "room": f"user:{ada.id}", "seq": 99, "at": "now"})
        await reader
        with pytest.raises(ApiError) as refused:
            await live.say("ping")
        assert refused.value.code == "closed"
        # An unexpected error of the client is raised in the loop that reads frames.
        async with client.live() as live:
            live._connected = live._receive = None
            sockets = [one for one in service.app[NODE].hub.sockets if not one.closing]
            sockets[0].close(4010, "missed")
            with pytest.raises(TypeError):
                await read(live)


async def test_what_is_final_ends_it_and_all_else_does_not(
    make_user: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await make_user()
    node = service.app[NODE]

    def sockets() -> list[Any]:
        return [socket for socket in node.hub.sockets if not socket.closing]

    async with Client(service.url) as client:
        await client.sign_in(ada.email, ada.password)
        async with client.live() as live:
            for code, reason in ((4001, "reconnect in 0.1 s"), (4005, "role changed"), (4010, "missed")):
                [old] = sockets()
                token = client.token
                old.close(code, reason)

                async def back(old: Any = old) -> bool:
                    return bool(sockets()) and sockets() != [old]

                await wait_until(back)
                # Only an expired token is refreshed.
                assert (client.token != token) == (code == 4005)
            await client.sign_out()
            async with asyncio.timeout(20):
                with pytest.raises(ApiError) as ended:
                    async for _ in live:
                        pass
            assert (ended.value.code, ended.value.close_code) == ("session_revoked", 4503)
            with pytest.raises(ApiError):
                await live.say("ping")
    # A client that is refused from the beginning.
    for token, status in (("no.good.token", 401), ("nxk_no_good_key", 403)):
        async with Client(service.url, token=token) as client:
            with pytest.raises(ApiError) as refused:
                async with client.live():
                    pass
            assert refused.value.status == status
