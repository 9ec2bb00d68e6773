"""Web Push, from the view of a push service and a browser."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from http_ece import ECEException
from yarl import URL

from nexcorp.config import Config
from nexcorp.errors import ConfigError
from nexcorp.integrations.push import (
    MAX_PAYLOAD_BYTES,
    Outcome,
    Pusher,
    Subscription,
    encrypt,
    make_pusher,
)
from nexcorp.integrations.vapid import decode, encode, make_private_key, make_vapid, read_private_key
from tests.pushserver import VAPID_KEY, Browser, PushService, run_push_service

CONFIG = Config(vapid_private_key=VAPID_KEY, mail_from="NexCorp <connect@example.com>")


@pytest.fixture
async def server() -> AsyncIterator[PushService]:
    async with run_push_service() as found:
        yield found


@pytest.fixture
async def pusher(server: PushService) -> AsyncIterator[Pusher]:
    found = make_pusher(replace(CONFIG, outbound_allow=(server.host,)))
    assert found is not None
    yield found
    await found.close()


def of(browser: Browser) -> Subscription:
    return Subscription(browser.endpoint, browser.p256dh, browser.auth)


def test_the_example_of_the_rfc() -> None:
    """The example of RFC 8291, appendix A."""
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        decode("BTBZMqHH6r4Tts7J_aSIgg"),
        key=read_private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_a_browser_reads_what_it_is_sent_and_nobody_else_does(
    server: PushService, pusher: Pusher
) -> None:
    ann, bob = server.subscribe(), server.subscribe()
    largest = b"x" * MAX_PAYLOAD_BYTES
    for payload in (b'{"unread":3}', largest, b""):
        sent = await pusher.send(of(ann), payload, topic="0123456789abcdef0123456789abcdef", urgency="high")
        assert sent == Outcome("sent", "201")
    first, second, third = server.of(ann)
    assert [ann.read(one.body) for one in (first, second, third)] == [b'{"unread":3}', largest, b""]
    assert len(second.body) == 4096 and first.body[:16] != second.body[:16]
    with pytest.raises(ECEException):
        bob.read(first.body)
    named = {name: first.headers[name] for name in ("TTL", "Urgency", "Topic", "Content-Encoding")}
    assert named == {
        "TTL": "86400",
        "Urgency": "high",
        "Topic": "0123456789abcdef0123456789abcdef",
        "Content-Encoding": "aes128gcm",
    }
    assert "Cookie" not in first.headers and "Topic" not in (await send_plain(server, pusher, bob))
    claims = server.check_signature(first, pusher.vapid.public)
    assert claims["sub"] == "mailto:connect@example.com" and claims["aud"] == server.origin
    # RFC 8292 allows a day.
    assert 11 * 3600 < claims["exp"] - time.time() <= 12 * 3600
    # A signature is made for an origin and used for all its messages.
    assert third.headers["Authorization"] == first.headers["Authorization"]
    assert pusher.vapid.authorize(URL("https://push.example/1")) != first.headers["Authorization"]
    for wrong in ({"payload": largest + b"x"}, {"payload": b"", "topic": "no spaces"}):
        with pytest.raises(ValueError, match=r"over 3993|topic"):
            await pusher.send(of(ann), **wrong)  # type: ignore[arg-type]


async def send_plain(server: PushService, pusher: Pusher, browser: Browser) -> dict[str, str]:
    """Send a message without a topic; return its headers."""
    assert (await pusher.send(of(browser), b"plain")).state == "sent"
    return dict(server.of(browser)[0].headers)


async def test_what_a_push_service_answers_is_what_becomes_of_a_message(
    server: PushService, pusher: Pusher
) -> None:
    browser = server.subscribe("one")
    for status, headers, expected in (
        (200, {}, Outcome("sent", "200")),
        (404, {}, Outcome("gone", "404")),
        (410, {}, Outcome("gone", "410")),
        (429, {"Retry-After": "17"}, Outcome("later", "429", 17.0)),
        (429, {"Retry-After": "-5"}, Outcome("later", "429")),
        (503, {"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, Outcome("later", "503", 0.0)),
        (500, {"Retry-After": "9" * 400}, Outcome("later", "500", 86400.0)),
        (400, {}, Outcome("refused", "400")),
        (403, {}, Outcome("refused", "403")),
        (413, {}, Outcome("refused", "413")),
        # A redirect is not followed.
        (307, {"Location": "/send/two"}, Outcome("refused", "307")),
    ):
        server.answers["/send/one"] = (status, headers)
        assert await pusher.send(of(browser), b"x") == expected
    assert {one.path for one in server.messages} == {"/send/one"}


async def test_what_does_not_answer_is_tried_later_and_what_leads_inside_never(
    server: PushService, pusher: Pusher
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    config = replace(CONFIG, outbound_allow=(f"127.0.0.1:{port}",))
    other = make_pusher(config)
    assert other is not None
    async with silent:
        broken = await other.send(of(Browser(f"http://127.0.0.1:{port}/x")), b"x")
    assert broken == Outcome("later", "connection")
    for endpoint in (server.origin + "/send/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/"):
        outcome = await other.send(of(Browser(endpoint)), b"x")
        assert outcome.state == "refused" and outcome.code in ("address_refused", "https_only")
    await other.close()
    assert server.messages == []


def test_a_key_is_a_setting_and_wrong_ones_are_not_quoted() -> None:
    key = make_private_key()
    read = Config.from_env({"VAPID_PRIVATE_KEY": key + "="})
    assert read.vapid_private_key == key and len(decode(make_vapid(read).public)) == 65  # type: ignore[union-attr]
    assert make_pusher(Config()) is None
    for wrong in ("x", "A" * 43, "_" * 43, key[:-4], key + "AAAA", "é" * 43):
        with pytest.raises(ConfigError, match="VAPID_PRIVATE_KEY: wants 32 bytes") as caught:
            Config.from_env({"VAPID_PRIVATE_KEY": wrong})
        assert wrong == "x" or wrong not in str(caught.value)
    for subject, more in (
        ("mailto:a@example.com", {"MAIL_FROM": "A <a@example.com>", "PUBLIC_URL": "https://example.com"}),
        ("https://example.com", {"PUBLIC_URL": "https://example.com"}),
    ):
        made = make_vapid(Config.from_env({"VAPID_PRIVATE_KEY": key, **more}))
        assert made is not None and made.subject == subject
