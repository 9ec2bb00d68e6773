"""Large bodies that are no form: in memory, with a limit on the bytes of all requests together."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from aiohttp import web

from nexcorp.errors import BadRequest, Overloaded, PayloadTooLarge, UnsupportedMediaType
from nexcorp.security.app_keys import user_id
from nexcorp.web.bodies import Content
from nexcorp.web.forms import Pace, TooManyUploadsAtOnce, is_form

# For all bodies of one process; one person may use half of what others leave.
MAX_BYTES = 128 * 1024 * 1024

_held: Counter[UUID] = Counter()


@asynccontextmanager
async def receive_large(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """Read the whole body, of up to `most` bytes; it counts until the block ends.

    Raises UnsupportedMediaType for a form or a compressed body, PayloadTooLarge, BadRequest for a body with
    Content-Range or one that is broken, stalls or is too slow, TooManyRequests or Overloaded if too many are
    received at once.
    """
    if is_form(request):
        raise UnsupportedMediaType(message="Send the content itself, not a form.")
    # Taken as the whole content, a part would delete the rest (RFC 9110, 14.5).
    if "Content-Range" in request.headers:
        raise BadRequest(message="Send the whole content, without Content-Range.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(message="Send the content as it is, without Content-Encoding.")
    me, size = user_id(request), request.content_length
    if size is not None and size > most:
        raise PayloadTooLarge(message=f"The body is over {most} bytes.")
    size = most if size is None else size
    if _held.total() + size > MAX_BYTES:
        raise Overloaded()
    if _held[me] and _held[me] + size > (MAX_BYTES - _held.total() + _held[me]) // 2:
        raise TooManyUploadsAtOnce(retry_after=1)
    _held[me] += size
    try:
        yield await read_paced(request, most)
    finally:
        _held[me] -= size
        if not _held[me]:
            del _held[me]


async def read_paced(request: web.Request, most: int) -> bytes:
    """Read the body at the pace that Pace demands; raises PayloadTooLarge or BadRequest."""
    content, body, pace = Content(request.content), bytearray(), Pace()
    try:
        while chunk := await pace.read(content.fill()):
            pace.count(len(chunk))
            body += chunk
            if len(body) > most:
                raise PayloadTooLarge(message=f"The body is over {most} bytes.")
    except (web.RequestPayloadError, ConnectionError):
        raise BadRequest(message="The body does not arrive as its headers say.") from None
    return bytes(body)
