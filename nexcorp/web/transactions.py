"""`transaction(request)` and `write(request)`: the unit of a handler's changes, with Idempotency-Key.

The key's row is written in the same transaction as the request's changes, so a crash leaves either both or
neither: a retry with the same key either replays the stored answer or does the work for the first time. A
second request with the same key waits on the first one's row lock. A change renews the caller's stored
answer; a deletion blanks it and keeps the key, so that no retry makes the entity again.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from aiohttp import web

from nexcorp.db import sql
from nexcorp.delivery.effects import Effect
from nexcorp.errors import AnswerGone, AppError, IdempotencyKeyReused, Invalid
from nexcorp.security.app_keys import CALLER, CONTEXT, SECRETS, database
from nexcorp.web.forms import BODY_DIGEST
from nexcorp.web.parsing import read_bytes
from nexcorp.web.replies import encode, make_etag, reply_bytes
from nexcorp.web.turns import TURNS

R = TypeVar("R", bound=web.StreamResponse)
KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
REPLAYED = {"Idempotent-Replayed": "true"}
# Whether a deadlock ended the request's transaction and nothing was committed before.
UNDONE = web.RequestKey("undone", bool)
# Whether a request has been retried.
REPEATED = web.RequestKey("repeated", bool)
# Before the retry: transactions that waited for its locks are awake, but must not find them taken again.
GIVE_WAY_SECONDS = 0.05


class Versioned(msgspec.Struct):
    """The part of a stored answer that holds its version, for the ETag."""

    version: int | None = None


read_version = msgspec.json.Decoder(Versioned).decode


class Replay(AppError):
    """Leaves the handler's transaction with the answer that an earlier request with this key got."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Claim:
    """The key's owner, the key, and an HMAC of its request."""

    scope: str
    key: str
    fingerprint: bytes


class Transaction:
    """The target of `async with transaction()` or write(): the connection, and the way to answer."""

    __slots__ = ("_claim", "_who", "conn")

    def __init__(self, conn: Any, claim: Claim | None, who: UUID | None) -> None:
        self.conn, self._claim, self._who = conn, claim, who

    def after(self, effect: Effect) -> None:
        """Perform `effect` after the commit; see Connection.after()."""
        self.conn.after(effect)

    async def reply(
        self,
        data: Any,
        status: int = 200,
        *,
        location: str | None = None,
        version: int | None = None,
        shows: UUID | None = None,
    ) -> web.Response:
        """Return a response with `data`, stored for replays before the transaction commits.

        `version` adds the ETag of a versioned row. A 200 with `version` answers a change of the row: see
        renew(). A row may have `_isStored` False: no stored answer of the caller shows it, which saves the
        search for one. `shows`: the id of the entity made or changed, if `data` is not its row; a 200 renews
        likewise.
        """
        body = b"" if status == 204 else encode(data)
        if self._claim is not None:
            scope, key = self._claim.scope, self._claim.key
            await sql.idempotency.store_answer(
                self.conn,
                scope=scope,
                key=key,
                status=status,
                body=body,
                location=location,
                entity_id=shows or (data.get("id") if data is not None else None),
            )
        elif status == 200 and (shows is not None or (version is not None and data.get("_isStored", True))):
            await self.renew({"id": shows} if shows is not None else data, body)
        headers = {"Location": location} if location else {}
        if version is not None:
            headers["ETag"] = make_etag(version, body)
        if status == 204:
            return web.Response(status=204, headers=headers)
        return reply_bytes(body, status, headers)

    async def renew(self, row: Any, body: bytes | None = None) -> None:
        """Update the stored answer of the request with which the caller made `row`: a retry gets the current
        row.

        `body`: the encoded row, if the caller has it. Answers stored for others stay.
        """
        if self._who is not None:
            body = encode(row) if body is None else body
            await sql.idempotency.renew_answer(
                self.conn, scope=str(self._who), entity_id=row["id"], body=body
            )


def read_key(request: web.Request) -> str | None:
    """Return the Idempotency-Key of a POST; raises Invalid unless it is 1 to 255 visible characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return None
    if not KEY.match(key):
        raise Invalid(errors={"Idempotency-Key": ["Wants 1 to 255 visible ASCII characters."]})
    return key


async def make_claim(request: web.Request) -> Claim | None:
    """Return the claim of a request's Idempotency-Key, or None if it has no key.

    An anonymous client's address is the scope, so that strangers do not share keys.
    """
    key = read_key(request)
    if key is None:
        return None
    body = request.get(BODY_DIGEST) or await read_bytes(request)
    material = b"\0".join([request.method.encode(), request.path_qs.encode(), body])
    fingerprint = hmac.digest(request.app[SECRETS].fingerprint, material, "sha256")
    who = request.get(CALLER)
    scope = str(who.id) if who is not None else f"anonymous:{request[CONTEXT].ip}"
    return Claim(scope, key, fingerprint)


async def take_claim(conn: Any, claim: Claim) -> None:
    """Claim the key for this request.

    Raises Replay if it was answered, AnswerGone if its entity is deleted, Invalid for another body.
    """
    scope, key, fingerprint = claim.scope, claim.key, claim.fingerprint
    while not await sql.idempotency.claim_key(conn, scope=scope, key=key, fingerprint=fingerprint):
        stored = await sql.idempotency.get_answer(conn, scope=scope, key=key)
        # No row: it has expired in the meantime, and the key is free.
        if stored is not None:
            raise make_replay(stored, claim)


async def replay_answered(request: web.Request) -> None:
    """Raise Replay if this key was answered before, AnswerGone, or Invalid for another body.

    A shortcut for handlers with much work before their transaction, which claims the key.
    """
    claim = await make_claim(request)
    if claim is None:
        return
    async with database(request).connection() as conn:
        stored = await sql.idempotency.get_answer(conn, scope=claim.scope, key=claim.key)
        if stored is None:
            return
        replay = make_replay(stored, claim)
        await sql.idempotency.await_commits(conn)
    raise replay


def make_replay(stored: Any, claim: Claim) -> Replay:
    """Return the Replay of a stored answer.

    Raises Invalid if it was stored for another request, AnswerGone if its entity is deleted.
    """
    if not hmac.compare_digest(stored["fingerprint"], claim.fingerprint):
        raise IdempotencyKeyReused(errors={"Idempotency-Key": ["Was used for another request."]})
    if stored["body"] is None:
        raise AnswerGone()
    headers = dict(REPLAYED)
    if stored["location"]:
        headers["Location"] = stored["location"]
    if stored["status"] == 204:
        return Replay(web.Response(status=204, headers=headers))
    version = read_version(stored["body"]).version
    if version is not None:
        headers["ETag"] = make_etag(version, stored["body"])
    return Replay(reply_bytes(stored["body"], stored["status"], headers))


class Unit:
    """The block of transaction() and write(): takes a turn at a row, then a connection, then the key."""

    __slots__ = ("_lease", "_request", "_single", "_turn")

    def __init__(self, request: web.Request, turn: UUID | None, *, single: bool) -> None:
        self._request, self._single = request, single
        self._turn = request.app[TURNS].take(turn) if turn is not None else None

    async def __aenter__(self) -> Transaction:
        request = self._request
        claim = await make_claim(request)
        source = database(request)
        self._lease = source.connection() if self._single and claim is None else source.transaction()
        if self._turn is None:
            conn = await self._lease.__aenter__()
        else:
            await self._turn.__aenter__()
            try:
                conn = await self._lease.__aenter__()
            except BaseException as error:
                await self._turn.__aexit__(type(error), error, error.__traceback__)
                raise
        if claim is not None:
            try:
                await take_claim(conn, claim)
            except BaseException as error:
                await self.__aexit__(type(error), error, error.__traceback__)
                if isinstance(error, Replay):
                    # A replay confirms the first request's work: wait until that commit is durable, on
                    # standbys too.
                    async with source.connection() as conn:
                        await sql.idempotency.await_commits(conn)
                raise
        who = request.get(CALLER)
        return Transaction(conn, claim, who.id if who is not None else None)

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        request = self._request
        try:
            await self._lease.__aexit__(kind, error, trace)
            request[UNDONE] = isinstance(error, asyncpg.DeadlockDetectedError) and request.get(UNDONE, True)
        finally:
            if self._turn is not None:
                await self._turn.__aexit__(kind, error, trace)


async def persist(request: web.Request, work: Callable[[], Awaitable[R]]) -> R:
    """Return the answer of `work`; retry once if a deadlock ended its transaction with nothing committed.

    PostgreSQL chose it to give way to another transaction, which has ended by then.
    """
    try:
        return await work()
    except asyncpg.DeadlockDetectedError:
        if not request.get(UNDONE) or request.get(REPEATED):
            raise
        request[REPEATED] = True
        await asyncio.sleep(GIVE_WAY_SECONDS)
        return await work()


def transaction(request: web.Request, *, turn: UUID | None = None) -> Unit:
    """Open the transaction in which a handler makes all changes and its answer.

    `turn`: the id of the one row that many may want to change at once; see nexcorp.web.turns.
    """
    return Unit(request, turn, single=False)


def write(request: web.Request, *, turn: UUID | None = None) -> Unit:
    """Open a block for a handler whose whole work is one statement, which commits by itself.

    It saves the round trips of BEGIN and COMMIT. With an Idempotency-Key on a POST, whose row must be written
    together with the work, it is a transaction. A handler with a second statement that changes rows must use
    transaction(): here the first statement would stand although the second failed.
    """
    return Unit(request, turn, single=True)
