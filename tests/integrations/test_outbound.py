"""Outbound requests to addresses of users never reach a listener on loopback, however it is named."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from nexcorp.config import Config
from nexcorp.errors import ConfigError
from nexcorp.integrations.outbound import (
    AddressRefused,
    Failed,
    Outbound,
    Refused,
    check_url,
    is_public,
    make_checked_socket,
)

# Each leads to 127.0.0.1, ::1, or the metadata address of a cloud.
INSIDE = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "127.0.0.01",
    "0",
    "0.0.0.0",
    "127.255.255.254",
    "①②⑦.⓪.⓪.①",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "0xa9fea9fe",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "localhost",
]
CLOSED = (
    "10.0.0.1 100.64.0.1 172.31.255.255 192.168.1.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 "
    "192.88.99.1 fc00::1 fec0::1 ff02::1 2001::1 2001:db8::1 3fff::1 4000::1 64:ff9b::a00:1 ::8.8.8.8"
)
OPEN = "8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2a00:1450::1"


class Canary:
    """A listener that counts its connections."""

    def __init__(self) -> None:
        self.heard, self.port = 0, 0

    def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    found = Canary()
    server = await asyncio.start_server(found.hear, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@pytest.fixture
async def door() -> AsyncIterator[Outbound]:
    found = Outbound()
    yield found
    await found.close()


@asynccontextmanager
async def serve(handler: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """Serve one handler; yield its host:port."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("loop_of", ["asyncio", "uvloop"])
def test_nothing_inside_is_reached_by_any_notation(loop_of: str) -> None:
    async def attempt() -> None:
        canary, door = Canary(), Outbound()
        server = await asyncio.start_server(canary.hear, "127.0.0.1", 0)
        canary.port = server.sockets[0].getsockname()[1]
        try:
            for host in INSIDE:
                with pytest.raises(Refused) as refusal:
                    await door.request("GET", f"https://{host}:{canary.port}/", headers={})
                assert refusal.value.code == "address_refused", host
                # Addresses that pass the check of the URL are refused when the socket connects.
                with pytest.raises((aiohttp.ClientConnectorError, aiohttp.InvalidURL)) as failure:
                    await door._session(False).get(f"http://{host}:{canary.port}/")
                reason = getattr(failure.value, "os_error", failure.value)
                assert isinstance(reason, (AddressRefused, aiohttp.InvalidURL)), (host, failure.value)
            assert canary.heard == 0
            # A direct connection does reach the canary.
            _, writer = await asyncio.open_connection("127.0.0.1", canary.port)
            writer.close()
            await asyncio.sleep(0.01)
            assert canary.heard == 1
        finally:
            await door.close()
            server.close()

    if loop_of == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        uvloop.run(attempt())
    else:
        asyncio.run(attempt())


def test_which_addresses_are_public() -> None:
    assert [text for text in CLOSED.split() if is_public(ip_address(text))] == []
    assert [text for text in OPEN.split() if not is_public(ip_address(text))] == []
    with pytest.raises(AddressRefused):
        make_checked_socket((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%lo", 80, 0, 1)))


async def test_what_a_name_leads_to_is_looked_at_each_time(
    door: Outbound, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host names look public; each request checks the addresses that DNS gives for them."""
    answers = [["127.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["::1", "127.0.0.1"], ["::ffff:127.0.0.1"]]

    def look_up(host: str, port: int, *more: Any) -> list[Any]:
        kind = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, kind, 6, "", (text, port, 0, 0))
            if ":" in text
            else (2, kind, 6, "", (text, port))
            for text in answers.pop(0)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for number in range(len(answers)):
        with pytest.raises(Refused) as refusal:
            await door.request("GET", f"https://rebinding{number}.example.com:{canary.port}/", headers={})
        assert refusal.value.code == "address_refused"
    assert (answers, canary.heard) == ([], 0)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "https_only"),
        ("ftp://example.com/", "https_only"),
        ("file:///etc/passwd", "url_refused"),
        ("https://", "url_refused"),
        ("//example.com/", "https_only"),
        ("https://user:secret@example.com/", "url_refused"),
        ("https://user@example.com/", "url_refused"),
        ("https://example.com:0/", "url_refused"),
        ("https://example.com:99999/", "url_refused"),
        ("https://exam%70le.com/", "url_refused"),
        ("https://[::1/", "url_refused"),
        ("https://example.com/\r\nX-Injected: 1", "url_refused"),
        ("https://example.com/a b", "url_refused"),
        ("https://example.com\\@127.0.0.1/", "url_refused"),
        ("https://example.com/" + "x" * 2048, "url_refused"),
        (f"https://{'x' * 64}.com/", "url_refused"),
        ("https://..example.com/", "url_refused"),
        ("https://intranet/", "address_refused"),
        ("https://db.internal/", "address_refused"),
        ("https://printer.local./", "address_refused"),
        ("https://LOCALHOST./", "address_refused"),
        ("https://a.localhost/", "address_refused"),
    ],
)
def test_the_form_of_a_url_shows_much(url: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_url(url)
    assert refusal.value.code == code and refusal.value.message.endswith(".")


def test_good_urls_stay_as_they_are() -> None:
    for url in ("https://fcm.googleapis.com/fcm/send/a:B-c", "https://wns.example.com/w/?token=a%2fb%3d%3D"):
        assert str(check_url(url)) == url
    assert check_url("https://bücher.example/ä").raw_host == "xn--bcher-kva.example"


async def test_what_the_operator_allows_and_nothing_beside_it(canary: Canary) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        assert "Cookie" not in request.headers
        headers = {"Set-Cookie": "a=b", "Location": f"http://127.0.0.1:{canary.port}/"}
        return web.Response(status=302, text="moved", headers=headers)

    async with serve(answer) as host:
        door = Outbound(Config.from_env({"OUTBOUND_ALLOW": host}).outbound_allow)
        for _ in range(2):
            found = await door.request("POST", f"http://{host}/x", headers={"X-A": "b"}, body=b"x")
            assert (found.status, found.body) == (302, b"moved")
        for url in (f"http://127.0.0.1:{canary.port}/", f"https://localhost:{host.partition(':')[2]}/"):
            with pytest.raises(Refused):
                await door.request("GET", url, headers={})
        await door.close()
    assert canary.heard == 0


async def test_no_proxy_no_unpacking_and_no_endless_answer(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(b"0" * 1_000_000)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        if request.path == "/drip":
            for _ in range(100):
                await response.write(b"x")
                await asyncio.sleep(0.05)
        if request.path == "/endless":
            with pytest.raises(ConnectionError):
                while True:
                    await response.write(b"x" * 100_000)
        await response.write(packed)
        return response

    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{canary.port}")
    async with serve(answer) as host:
        door = Outbound([host])
        assert (await door.request("GET", f"http://{host}/", headers={})).body == packed
        assert len((await door.request("GET", f"http://{host}/endless", headers={}, most=999)).body) == 999
        with pytest.raises(Failed, match="timeout"):
            await door.request("GET", f"http://{host}/drip", headers={}, seconds=0.2)
        await door.close()
    assert canary.heard == 0


def test_the_setting_is_a_list_of_hosts() -> None:
    read = Config.from_env({"OUTBOUND_ALLOW": "Push.example.com., 10.0.0.5:8443, [::1]:80, fd00::0:1"})
    assert read.outbound_allow == ("push.example.com", "10.0.0.5:8443", "[::1]:80", "[fd00::1]")
    assert check_url("http://push.EXAMPLE.com:81/", read.outbound_allow)
    assert check_url("https://[FD00:0::1]/", read.outbound_allow)
    with pytest.raises(Refused):
        check_url("https://10.0.0.5:8444/", read.outbound_allow)
    for wrong in ("https://example.com", "a/b", "a b", "a@b", "a:99999", "a:0", "[::1", "*"):
        with pytest.raises(ConfigError, match="OUTBOUND_ALLOW"):
            Config.from_env({"OUTBOUND_ALLOW": wrong})
