"""Lists: `limit`, opaque keyset cursors, and answers of the form `{data, nextCursor}`."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from aiohttp import web
from marshmallow import fields, validate

from nexcorp.domain.fields import Query, Text
from nexcorp.errors import Invalid
from nexcorp.security.app_keys import SECRETS
from nexcorp.web.replies import reply

MAC_BYTES = 9
DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# Keys before and behind all others: the first page of a list starts there.
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
LAST_TIME = datetime.max.replace(tzinfo=UTC)

Key = TypeVar("Key")
Statement = Callable[..., Awaitable[list[Any]]]


class PageQuery(Query):
    """`?limit=&cursor=` of every list."""

    limit = fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "The maximum number of rows."},
    )
    cursor = Text(
        least=1, most=1000, trim=False, metadata={"description": "`nextCursor` of the previous page."}
    )


class Cursor(Generic[Key]):
    """Encodes a position in one list: signed, so that only cursors of this service are accepted.

    `shape` is the type of the key, for instance `tuple[datetime, UUID]`; `start` is the key of the first
    page, which stands before every row. `parts` map, for each part of the key, the argument of the statement
    to the column of the last row.
    """

    def __init__(self, name: str, shape: Any, start: Key, **parts: str) -> None:
        self.name, self.arguments, self.columns = name.encode(), tuple(parts), tuple(parts.values())
        self.start = start
        self._decode = msgspec.msgpack.Decoder(shape).decode

    def encode(self, request: web.Request, row: Any) -> str:
        """Return the cursor that points behind `row`."""
        payload = msgspec.msgpack.encode([row[column] for column in self.columns])
        return base64.urlsafe_b64encode(payload + self._sign(request, payload)).decode().rstrip("=")

    def decode(self, request: web.Request, text: str) -> Key:
        """Return the key in a cursor; raises Invalid for a cursor that this list did not issue."""
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            payload, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
            if not hmac.compare_digest(mac, self._sign(request, payload)):
                raise ValueError
            key: Key = self._decode(payload)
            return key
        except (ValueError, binascii.Error, msgspec.DecodeError):
            raise Invalid(errors={"cursor": ["Not a cursor of this list."]}) from None

    def read(self, request: web.Request, query: dict[str, Any]) -> Key:
        """Return the key behind which the requested page begins; raises Invalid as decode() does."""
        return self.decode(request, query["cursor"]) if "cursor" in query else self.start

    async def fetch(
        self, request: web.Request, conn: Any, query: dict[str, Any], statement: Statement, **arguments: Any
    ) -> list[Any]:
        """Fetch up to `limit + 1` rows of the requested page.

        `arguments` are those of the statement, without the position and `most`.
        """
        key: Any = self.read(request, query)
        place = dict(zip(self.arguments, key, strict=True))
        return await statement(conn, most=query["limit"] + 1, **place, **arguments)

    def _sign(self, request: web.Request, payload: bytes) -> bytes:
        secret = request.app[SECRETS].cursor
        return hmac.digest(secret, self.name + b"\0" + payload, "sha256")[:MAC_BYTES]


Moment = tuple[datetime, UUID]


def by_latest_person(name: str) -> Cursor[Moment]:
    """Return the cursor of a list of people, newest action first; its rows have `createdAt` and `_userId`."""
    return Cursor(name, Moment, (LAST_TIME, LAST_ID), before="createdAt", before_user="_userId")


def cut_page(
    request: web.Request, rows: list[Any], limit: int, cursor: Cursor[Any]
) -> tuple[list[Any], str | None]:
    """Cut up to `limit + 1` rows to a page; return it with the cursor of the next page, or None."""
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, cursor.encode(request, page[-1])


def reply_page(
    request: web.Request, rows: list[Any], limit: int, cursor: Cursor[Any], **more: Any
) -> web.Response:
    """Reply `{data, nextCursor}` from up to `limit + 1` rows, with `more` beside them."""
    page, next_cursor = cut_page(request, rows, limit, cursor)
    return reply({"data": page, "nextCursor": next_cursor, **more})
