"""Malformed and malicious updates, and random mutants of good ones.

`python -m tests.collab.hostile <seed> <count>` applies mutants to documents in a process of its own: an
update that the reader accepts must not end it.
"""

from __future__ import annotations

import random
import sys

import pycrdt

from nexcorp.collab.document import Document
from nexcorp.collab.encoding import BadUpdate, read_vector
from nexcorp.collab.encoding import write_number as number
from nexcorp.collab.updates import Facts, Gap, read_update
from tests.collab.yjs import recorded_cases

END = b"\x00"
# The beginning of an update with one struct of client 7 at clock 0; the struct's first byte follows.
ONE = b"\x01\x01\x07\x00"
ROOT = b"\x01\x07content"
NUMBERS = (2**31, 2**32 - 1, 2**40, 2**53, 2**63 - 1)


def make_value(*value: bytes) -> bytes:
    """Return an update that inserts one value of the type Any."""
    return ONE + b"\x08\x01\x01a\x01" + b"".join(value) + END


# Without the reader these kill the process, panic, take gigabytes, or differ between yjs and yrs.
HOSTILE = {
    "nothing": b"",
    "more than an update": b"\x00\x00\x00",
    "many clients": number(2**32),
    "a number without end": b"\xff" * 20 + b"\x01",
    "many structs": b"\x01" + number(2**31) + b"\x07\x00",
    "no struct": b"\x01\x00\x07\x00" + END,
    "empty clients": number(100_000) + b"".join(b"\x00" + number(n) + b"\x00" for n in range(100_000)) + END,
    "a client twice": b"\x02" + (b"\x01\x07\x00\x00\x01") * 2 + END,
    "a client that JavaScript cannot count": b"\x01\x01" + number(2**53) + b"\x00\x00\x01" + END,
    "an empty string": ONE + b"\x04" + ROOT + b"\x00" + END,
    "an empty block": ONE + b"\x00\x00" + END,
    "a block that is too long": ONE + b"\x00" + number(2**32) + END,
    "a block with flags": ONE + b"\x80\x07\x00" + END,
    "a clock that is too large": b"\x01\x01\x07" + number(2**31) + b"\x04" + ROOT + b"\x01x" + END,
    "deleted for too long": ONE + b"\x01" + ROOT + number(2**31 + 1) + END,
    "a string longer than the update": ONE + b"\x04" + ROOT + number(2**40) + b"x" + END,
    "no UTF-8": ONE + b"\x04" + ROOT + b"\x03\xff\xfe\xfd" + END,
    "half an emoji": ONE + b"\x04" + ROOT + b"\x03\xed\xa0\xbd" + END,
    "arrays in arrays": make_value(b"\x75\x01" * 200_000, b"\x7f"),
    "a little too deep": make_value(b"\x75\x01" * 33, b"\x7f"),
    "objects in objects": make_value(b"\x76\x01\x01k" * 50_000, b"\x7f"),
    "a long array": make_value(b"\x75", number(2**30), b"\x7f"),
    "an unknown value": make_value(b"\x73"),
    "broken JSON": ONE + b"\x05" + ROOT + b"\x04{no}" + END,
    "JSON in JSON": ONE + b"\x05" + ROOT + number(1000) + b"[" * 500 + b"]" * 500 + END,
    "an XML hook": ONE + b"\x07" + ROOT + b"\x05\x04hook" + END,
    "a weak link": ONE + b"\x07" + ROOT + b"\x07\x00\x07\x00" + END,
    "a move": ONE + b"\x0b" + ROOT + b"\x00\x07\x00\x00" + END,
    "an unknown parent": ONE + b"\x04\x02\x07content\x01x" + END,
    "a long name": ONE + b"\x04\x01" + number(257) + b"n" * 257 + b"\x01x" + END,
    "a name with NUL": ONE + b"\x04\x01\x02a\x00\x01x" + END,
    "many clients that deleted": b"\x00" + number(2**40),
    "many deletions": b"\x00\x01\x07" + number(2**40),
    "a deletion too far": b"\x00\x01\x07\x01\x00" + number(2**31 + 1),
}


def nest(depth: int) -> bytes:
    """Return an update with shared types nested `depth` deep; deleting the outermost one recurses."""
    inner = b"".join(b"\x07\x00\x07" + number(n) + b"\x00" for n in range(depth - 1))
    return b"\x01" + number(depth) + b"\x07\x00\x07" + ROOT + b"\x00" + inner + END


def mutate(rnd: random.Random, updates: list[bytes]) -> bytes:
    """Return a damaged copy of one of the updates."""
    data = bytearray(rnd.choice(updates))
    kind = rnd.randrange(5)
    if kind == 0:
        return bytes(data[: rnd.randrange(len(data))])
    if kind == 1:
        other = rnd.choice(updates)
        return bytes(data[: rnd.randrange(len(data))]) + other[rnd.randrange(len(other)) :]
    if kind == 2:
        at = rnd.randrange(len(data))
        return bytes(data[:at]) + number(rnd.choice(NUMBERS)) + bytes(data[at + 1 :])
    for _ in range(rnd.randint(1, 4)):
        data[rnd.randrange(len(data))] = rnd.randrange(256)
    return bytes(data)


def agrees(facts: Facts, update: bytes) -> bool:
    """Whether yrs reads the same clocks as the reader; yrs reports only clients that begin at 0."""
    found = read_vector(pycrdt.get_state(update))
    return found == {
        client: end for client, (first, end) in facts.adds.items() if first == 0 and not facts.skips
    }


def try_mutants(seed: int, count: int) -> int:
    """Apply `count` mutants that the reader accepts to documents; return how many the documents accepted."""
    rnd = random.Random(seed)
    logs = [[bytes.fromhex(update) for update in case["log"]] for case in recorded_cases()[:4]]
    base = [update for log in logs for update in log[:-4]]
    updates = [update for log in logs for update in log]
    document, taken = None, 0
    while count:
        update = mutate(rnd, updates)
        try:
            facts = read_update(update)
        except BadUpdate:
            continue
        if not facts.skips and not agrees(facts, update):
            raise AssertionError(f"yrs reads it otherwise: {update.hex()}")
        count -= 1
        document = document or Document.load(None, base)
        try:
            document.apply(update)
            document.replace_text(document.read_text()[::-1])
            document.encode()
            taken += 1
        except Gap:
            continue
        except BadUpdate:
            document = None
    return taken


if __name__ == "__main__":
    print(try_mutants(int(sys.argv[1]), int(sys.argv[2])))
