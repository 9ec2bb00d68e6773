"""Cases for a WebSocket server (RFC 6455), after Autobahn's: frames to send, and the required reaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from aiohttp import WSCloseCode

from nexcorp.realtime.protocol import TOO_MANY_MESSAGES
from tests.judges.wire import CLOSE, CONTINUATION, PING, PONG, TEXT, close, frame

PROTOCOL_ERROR, NO_UTF8 = {1002}, {1007}
LIVES: set[int] = set()
HELLO = "Hello-µ@ßöäüàá-𝄞"
# Surrogates, overlong forms, beyond U+10FFFF, impossible bytes, truncated, continuation bytes alone.
BAD_UTF8 = (
    *(b"\xed\xa0\x80", b"\xed\xaf\xbf", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"edited \xed\xa0\x80"),
    *(
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xf8\x80\x80\x80\xaf",
        b"\xfc\x80\x80\x80\x80\xaf",
    ),
    *(b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"),
    *(b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80", b"\xfb\xbf\xbf\xbf\xbf"),
    *(b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xce", b"\xce\xba\xe1", b"\xf0\x9d\x84", b"\x80", b"\xbf"),
    *(b"\x80\xbf\x80\xbf", b"\xc3\x28", b"\xe2\x82\x28", b"\xf0\x28\x8c\xbc", HELLO.encode()[:-1]),
)
GOOD_CODES = (*range(1000, 1004), *range(1007, 1012), 3000, 3999, 4000, 4999)
# 1004 and 1015 are reserved, 1005, 1006 are never sent, 1016 to 2999 are undefined.
BAD_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)


class Place(NamedTuple):
    """An address of sockets: the kind of its messages, a valid one, and the largest size in bytes.

    `texts`: close codes for texts that mean nothing there; `large`: the close code of too large a message.
    """

    path: str
    protocol: str
    kind: int
    message: bytes
    largest: int
    texts: set[int] = LIVES
    large: int = WSCloseCode.MESSAGE_TOO_BIG


class Case(NamedTuple):
    """`parts` are sent, then a ping if the socket must stay open; else it must close with one of `codes`."""

    name: str
    parts: list[bytes]
    codes: set[int] = LIVES


def list_cases(place: Place) -> Iterator[Case]:
    """Yield every case for an address."""
    yield from list_control(place.message, place.kind)
    yield from list_reserved(place.message, place.kind)
    yield from list_fragments(place.message, place.kind)
    yield from list_texts(place.texts)
    yield from list_closes()
    yield from list_sizes(place)


def list_control(message: bytes, kind: int) -> Iterator[Case]:
    """Valid messages, pings and pongs, and invalid control frames."""
    yield Case("a message", [frame(kind, message)])
    yield Case("a message, byte by byte", [bytes((byte,)) for byte in frame(kind, message)])
    yield Case("ping of 125 bytes", [frame(PING, b"\xfe" * 125)])
    yield Case("ten pings at once", [b"".join(frame(PING, b"%d" % n) for n in range(10))])
    yield Case("ping, byte by byte", [bytes((byte,)) for byte in frame(PING, bytes(range(100)))])
    yield Case("pong unasked for", [frame(PONG), frame(PONG, b"unasked")])
    for name, opcode in (("ping", PING), ("pong", PONG), ("close", CLOSE)):
        yield Case(f"{name} of 126 bytes", [frame(opcode, b"\x03\xe8" + b"x" * 124)], PROTOCOL_ERROR)
        yield Case(f"{name} in fragments", [frame(opcode, fin=False)], PROTOCOL_ERROR)
    yield Case("ping with a long form of length", [frame(PING, b"abc", size=b"\x7e\x00\x03")], PROTOCOL_ERROR)


def list_reserved(message: bytes, kind: int) -> Iterator[Case]:
    """Reserved bits and opcodes, and frames without a mask."""
    for bits in range(1, 8):
        yield Case(f"reserved bits {bits}", [frame(kind, message, reserved=bits)], PROTOCOL_ERROR)
    yield Case("reserved bits of a ping", [frame(PING, reserved=2)], PROTOCOL_ERROR)
    yield Case("reserved bits of a close", [frame(CLOSE, b"\x03\xe8", reserved=7)], PROTOCOL_ERROR)
    for opcode in (*range(3, 8), *range(11, 16)):
        yield Case(f"opcode {opcode}", [frame(opcode, b"abc")], PROTOCOL_ERROR)
        yield Case(f"opcode {opcode}, empty", [frame(opcode)], PROTOCOL_ERROR)
    for opcode in (kind, PING, CLOSE):
        yield Case(f"opcode {opcode} unmasked", [frame(opcode, b"\x03\xe8", masked=False)], PROTOCOL_ERROR)


def list_fragments(message: bytes, kind: int) -> Iterator[Case]:
    """Messages in fragments, with control frames between them, and fragments out of order."""
    half = len(message) // 2
    first, last = frame(kind, message[:half], fin=False), frame(CONTINUATION, message[half:])
    empty = frame(CONTINUATION, fin=False)
    yield Case("two fragments", [first, last])
    yield Case("two fragments at once", [first + last])
    yield Case("a ping between fragments", [first, frame(PING, b"between"), last])
    yield Case("pings and empty fragments", [first, empty, frame(PING), empty, frame(PONG), last])
    yield Case("an empty beginning and end", [frame(kind, fin=False), frame(CONTINUATION, message)])
    yield Case("nothing to continue", [last], PROTOCOL_ERROR)
    yield Case("nothing to continue, unfinished", [empty], PROTOCOL_ERROR)
    yield Case("nothing to continue after a message", [first, last, last], PROTOCOL_ERROR)
    yield Case("a message among fragments", [first, frame(kind, message)], PROTOCOL_ERROR)
    yield Case("a beginning among fragments", [first, first], PROTOCOL_ERROR)
    yield Case("another kind among fragments", [first, frame(3 - kind, b"x")], PROTOCOL_ERROR)


def list_texts(codes: set[int]) -> Iterator[Case]:
    """Texts in UTF-8, cut anywhere, and texts that are not UTF-8."""
    text = HELLO.encode()
    for at in range(1, len(text), 3):
        parts = [frame(TEXT, text[:at], fin=False), frame(CONTINUATION, text[at:])]
        yield Case(f"UTF-8 cut at {at}", parts, codes)
    for bad in BAD_UTF8:
        yield Case(f"no UTF-8: {bad!r}", [frame(TEXT, bad)], NO_UTF8)
    for bad in BAD_UTF8[:4]:
        yield Case(
            f"no UTF-8 in fragments: {bad!r}",
            [frame(TEXT, HELLO.encode() + bad[:1], fin=False), frame(CONTINUATION, bad[1:] + b"x")],
            NO_UTF8,
        )


def list_closes() -> Iterator[Case]:
    """Close frames with codes and reasons that are allowed, and others that are not."""
    yield Case("close without a code", [frame(CLOSE)], {1000, 1005})
    yield Case("close with half a code", [frame(CLOSE, b"\x03")], PROTOCOL_ERROR)
    yield Case("close with a reason of 123 bytes", [close(1000, b"*" * 123)], {1000})
    yield Case("close with a reason that is no UTF-8", [close(1000, b"\xce\xba\xed\xa0\x80")], NO_UTF8)
    yield Case("close twice", [close(1000) + close(1000)], {1000})
    yield Case("a ping behind a close", [close(1000) + frame(PING, b"late")], {1000})
    yield Case("a text behind a close", [close(1000), frame(TEXT, b"{}")], {1000})
    yield Case("close among fragments", [frame(TEXT, b"a", fin=False), close(1000)], {1000})
    for code in GOOD_CODES:
        yield Case(f"close with {code}", [close(code)], {code, 1000})
    for code in BAD_CODES:
        yield Case(f"close with {code}", [close(code, b"bad")], PROTOCOL_ERROR)


def list_sizes(place: Place) -> Iterator[Case]:
    """Messages that are too large: announced by the first header, or reached by fragments."""
    kind, largest, large = place.kind, place.largest, {int(place.large)}
    for size in (largest + 1, 1 << 31, 1 << 32, (1 << 63) - 1):
        length = b"\x7f" + size.to_bytes(8)
        yield Case(f"a message that says it has {size} bytes", [frame(kind, b"x", size=length)], large)
    negative = b"\x7f" + (1 << 63).to_bytes(8)
    yield Case("a length with its first bit", [frame(kind, b"x", size=negative)], PROTOCOL_ERROR | large)
    most = largest // 8 + 1
    parts = [frame(kind, b"a" * most, fin=False), *[frame(CONTINUATION, b"a" * most, fin=False)] * 7]
    # The fragments may exceed the rate of messages before they exceed the size.
    yield Case("fragments of too many bytes", parts, large | {TOO_MANY_MESSAGES})
