"""Edits that cut a character of two UTF-16 units apart: yjs counts units, so one may delete half an emoji, or
insert between its halves. yjs then has U+FFFD in place of each half; yrs loses or moves a neighbour instead.
So updates are changed to what yjs would have before yrs sees the cut."""

from __future__ import annotations

import re
from collections.abc import Collection

from nexcorp.collab.encoding import write_number
from nexcorp.collab.updates import Facts, Place

WIDE = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")


def may_be_wide(data: bytes) -> bool:
    """Whether an update may have characters of two units: a quick check with some false positives."""
    return WIDE.search(data) is not None


def list_halves(data: bytes, facts: Facts) -> set[Place]:
    """Return the places of the second halves of the update's two-unit characters."""
    found = set()
    for client, clock, _, begin, end in facts.wide:
        for sign in data[begin:end].decode():
            if sign > "\uffff":
                found.add((client, clock + 1))
                clock += 1
            clock += 1
    return found


def mend(data: bytes, facts: Facts, split: Collection[Place]) -> bytes:
    """Return the update with two U+FFFD in place of each character whose second half is in `split`.

    No clock changes.
    """
    parts: list[bytes] = []
    done = 0
    for client, clock, at, begin, end in facts.wide:
        signs = []
        cut = False
        for sign in data[begin:end].decode():
            if sign > "\uffff":
                clock += 1
                if (client, clock) in split:
                    sign, cut = "\ufffd\ufffd", True
            clock += 1
            signs.append(sign)
        if cut:
            text = "".join(signs).encode()
            parts += (data[done:at], write_number(len(text)), text)
            done = end
    return b"".join((*parts, data[done:]))
