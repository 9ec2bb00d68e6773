"""Handlers that wait for an answer, or stream it as server-sent events."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from nexcorp.errors import AppError, TooManyRequests
from nexcorp.features.ai import service
from nexcorp.features.ai.errors import ChatMessageNotFound
from nexcorp.features.ai.following import ANSWERS, Delta, Ended, Follower, Quiet, Restarted
from nexcorp.features.ai.service import Asked
from nexcorp.security.app_keys import CONFIG, REVOCATIONS, caller, database, principal
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import API_PREFIX
from nexcorp.web.streams import EventStream, takes_events
from nexcorp.web.transactions import Replay, Transaction, transaction

BEAT_SECONDS = 15.0
MOST_STREAMS = 20
PLACE = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")
PERMISSION = "ai:use"


class Named(msgspec.Struct):
    """The id of a stored message."""

    id: UUID


class Answered(msgspec.Struct):
    """The ids of question and answer in a stored response."""

    message: Named
    answer: Named


read_answered = msgspec.json.Decoder(Answered).decode


def lingers(request: web.Request) -> bool:
    """Return whether a request stays open: it wants events, or waits for the answer's end."""
    return takes_events(request) or "wait" in request.query


async def ask_question(
    request: web.Request, body: dict[str, Any], query: dict[str, Any]
) -> web.StreamResponse:
    async def ask(tx: Transaction) -> Asked:
        return await service.ask(tx.conn, caller(request), request.app[CONFIG], path_id(request), body)

    return await exchange(request, query["wait"], ask)


async def regenerate_answer(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    message_id = path_id(request, "messageId")

    async def ask(tx: Transaction) -> Asked:
        return await service.regenerate(
            tx.conn, caller(request), request.app[CONFIG], path_id(request), message_id
        )

    return await exchange(request, query["wait"], ask)


async def exchange(
    request: web.Request, wait: int, ask: Callable[[Transaction], Awaitable[Asked]]
) -> web.StreamResponse:
    """Ask a question and reply as the client wants: at once, when the answer has ended, or by events.

    A retry with the same Idempotency-Key joins the answer that the first request asked for.
    """
    if lingers(request):
        require_room(request)
    response: web.Response
    shown: dict[str, Any] | None = None
    try:
        async with transaction(request) as tx:
            asked = await ask(tx)
            shown = await service.read_exchange(tx.conn, asked)
            location = f"{API_PREFIX}/ai/chats/{path_id(request)}/messages/{asked.answer_id}/stream"
            response = await tx.reply(shown, 201, location=location, shows=asked.answer_id)
    except Replay as replay:
        if not takes_events(request) and not wait:
            raise
        response = replay.response
        stored = read_answered(response.body if isinstance(response.body, bytes) else b"")
        asked = Asked(stored.message.id, stored.answer.id)
    follower = Follower(asked.answer_id, caller(request).id, 0, 0)
    if takes_events(request):
        with joined(request, follower):
            if shown is None:
                async with database(request).connection() as conn:
                    shown = await service.read_exchange(conn, asked)
            return await send_events(request, follower, shown)
    if not wait:
        return response
    with joined(request, follower):
        await wait_for_end(request, follower, wait)
    async with database(request).connection() as conn:
        return reply(
            await service.read_exchange(conn, asked),
            201,
            {
                name: response.headers[name]
                for name in ("Location", "Idempotent-Replayed")
                if name in response.headers
            },
        )


def require_room(request: web.Request) -> None:
    """Raise TooManyRequests if the caller already reads MOST_STREAMS answers in this process."""
    if request.app[ANSWERS].count(caller(request).id) >= MOST_STREAMS:
        raise TooManyRequests(retry_after=5)


@contextmanager
def joined(request: web.Request, follower: Follower) -> Iterator[None]:
    """Register a reader for this block. Raises as require_room(), as other requests may have come first."""
    require_room(request)
    answers = request.app[ANSWERS]
    answers.join(follower)
    try:
        yield
    finally:
        answers.leave(follower)


async def wait_for_end(request: web.Request, follower: Follower, seconds: float) -> None:
    """Wait until an answer ends, may_go_on() is False, or `seconds` have passed."""
    listener = request.app[ANSWERS].node.listener
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for event in follower.follow(database(request), lambda: listener.connected):
                if isinstance(event, Ended) or not may_go_on(request):
                    return


async def stream_answer(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    # A browser that reconnects uses the same URL, and sends its newer position in the header: that one wins.
    places = (request.headers.get("Last-Event-ID", ""), query.get("after", ""))
    found = next(filter(None, map(PLACE.fullmatch, places)), None)
    attempt, offset = map(int, found.groups()) if found is not None else (0, 0)
    who, message_id = caller(request), path_id(request, "messageId")
    follower = Follower(message_id, who.id, attempt, offset)
    with joined(request, follower):
        async with database(request).connection() as conn:
            chat_id = await service.find_answer(conn, who, message_id)
        if chat_id != path_id(request):
            raise ChatMessageNotFound()
        return await send_events(request, follower)


def may_go_on(request: web.Request) -> bool:
    """Return whether a stream may stay open: client connected, session and permission valid, no drain."""
    who, revocations = principal(request), request.app[REVOCATIONS]
    return (
        request.transport is not None
        and not revocations.ended(who)
        and not revocations.outdated(who)
        and caller(request).may(PERMISSION)
        and who.expires_at > time.time()
        and not request.app[ANSWERS].draining
    )


async def send_events(
    request: web.Request, follower: Follower, created: dict[str, Any] | None = None
) -> web.StreamResponse:
    """Send an answer as events until it ends; if may_go_on() is False, stop early, and the client resumes."""
    listener = request.app[ANSWERS].node.listener
    stream = EventStream(200 if created is None else 201)
    try:
        await stream.prepare(request)
        if created is not None:
            await stream.send("created", created)
        said = time.monotonic()
        async for event in follower.follow(database(request), lambda: listener.connected):
            if not may_go_on(request):
                break
            now = time.monotonic()
            if isinstance(event, Delta):
                await stream.send("delta", {"offset": event.offset, "text": event.text}, event.position)
            elif isinstance(event, Restarted):
                await stream.send("restarted", {"attempt": event.attempt})
            elif isinstance(event, Ended):
                await stream.send("end", {"status": event.status, "reason": event.reason})
            elif now - said > BEAT_SECONDS:
                await stream.beat()
            if not isinstance(event, Quiet) or now - said > BEAT_SECONDS:
                said = now
        await stream.write_eof()
    except (ConnectionError, AppError):
        # A stream that breaks off without `end` makes the client reconnect and resume.
        if request.transport is not None:
            request.transport.abort()
    return stream
