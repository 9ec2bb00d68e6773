"""Read a Yjs update (format v1) without applying it: whether it is whole, what it adds, deletes and needs.

pycrdt must never get an update that was not read here: 53 KB of nested arrays, or a few hundred thousand
empty blocks, overflow its stack and kill the process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pycrdt

from nexcorp.collab.encoding import MAX_CLIENT, MAX_CLIENTS, MAX_CLOCK, BadUpdate, read_number

MAX_DEPTH = 32
# Longest name of a shared type, in bytes; file_docs.root holds no more.
MAX_NAME_BYTES = 256

EMPTY = b"\x00\x00"

# The content of a struct, by the last five bits of its first byte.
GC, DELETED, JSON, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, SUBDOC, SKIP = range(11)
HAS_LEFT, HAS_RIGHT, HAS_KEY = 0x80, 0x40, 0x20

# The number of a client, and the clock of one of its items.
Place = tuple[int, int]


class Gap(BadUpdate):
    """The update rests upon items that are not here: ask its sender for the rest."""


@dataclass(slots=True)
class Facts:
    """The content of an update.

    `adds`: client -> (first clock, clock behind the last). `needs`: client -> the clock up to which its items
    must be here. `deletes`: the same for the items it deletes. `roots`: names of shared types in it.
    `foreign`: it has more than plain text. `types`: how many shared types it nests in others. `skips`: it
    leaves a range of clocks out. `empty`: it changes nothing. `wide`: its strings with characters of two
    UTF-16 units, as (client, clock, place of the length, begin, end). `split`: the `halves` given to
    read_update() that it cuts off from their first halves.
    """

    adds: dict[int, tuple[int, int]] = field(default_factory=dict)
    needs: dict[int, int] = field(default_factory=dict)
    deletes: dict[int, int] = field(default_factory=dict)
    roots: set[str] = field(default_factory=set)
    foreign: bool = False
    types: int = 0
    skips: bool = False
    empty: bool = True
    wide: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    split: set[Place] = field(default_factory=set)


def read_update(data: bytes, halves: Collection[Place] = ()) -> Facts:
    """Return the facts of an update; raises BadUpdate. `halves`: see nexcorp.collab.halves."""
    facts = Facts()
    try:
        p = _read_structs(data, facts, halves)
        p = _read_deletes(data, p, facts, halves)
    except IndexError:
        raise BadUpdate("It is cut short.") from None
    if p != len(data):
        raise BadUpdate("There is something behind its end.")
    try:
        # Decodes everything: yjs would fail on the same errors, mainly on broken JSON.
        pycrdt.get_state(data)
    except ValueError as error:
        raise BadUpdate("It cannot be decoded.") from error
    return facts


def has_gap(facts: Facts, known: Mapping[int, int]) -> bool:
    """Whether an update rests upon missing items. `known`: client -> the clock behind its last item."""
    if facts.skips:
        return True
    adds = facts.adds
    for client, (first, _) in adds.items():
        if first > known.get(client, 0):
            return True
    for table in (facts.needs, facts.deletes):
        for client, clock in table.items():
            if clock > known.get(client, 0):
                added = adds.get(client)
                if added is None or clock > added[1]:
                    return True
    return False


def note_clocks(facts: Facts, known: dict[int, int]) -> None:
    """Add the clocks of an update's items to `known`."""
    for client, (_, end) in facts.adds.items():
        if end > known.get(client, 0):
            known[client] = end


def _skip(data: bytes, p: int) -> int:
    """Return the place behind a string or bytes with their length in front."""
    length, p = read_number(data, p)
    return _move(data, p, length)


def _move(data: bytes, p: int, length: int) -> int:
    if p + length > len(data):
        raise BadUpdate("It is cut short.")
    return p + length


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadUpdate("A text is not UTF-8.") from None


def _skip_value(data: bytes, p: int, depth: int = 0) -> int:
    """Return the place behind a value of the kind that yjs calls Any."""
    if depth > MAX_DEPTH:
        raise BadUpdate("Values are nested too deeply.")
    kind = data[p]
    p += 1
    if kind in (127, 126, 121, 120):  # undefined, null, false, true
        return p
    if kind == 125:  # integer, with its sign in a bit of the first byte
        return read_number(data, p)[1]
    if kind in (124, 123, 122):  # float of 32 bits, of 64, integer of 64
        return _move(data, p, 4 if kind == 124 else 8)
    if kind in (119, 116):  # text, bytes
        return _skip(data, p)
    if kind not in (118, 117):  # object, array
        raise BadUpdate("It has a value of an unknown kind.")
    count, p = read_number(data, p)
    _move(data, p, count)
    for _ in range(count):
        p = _skip_value(data, _skip(data, p) if kind == 118 else p, depth + 1)
    return p


def _read_foreign(data: bytes, p: int, kind: int) -> tuple[int, int]:
    """Return the length of content that is not plain text, and its end."""
    length = 1
    if kind in (JSON, ANY):
        length, p = read_number(data, p)
        _move(data, p, length)
        for _ in range(length):
            p = _skip(data, p) if kind == JSON else _skip_value(data, p)
    elif kind in (BINARY, EMBED):
        p = _skip(data, p)
    elif kind == FORMAT:
        p = _skip(data, _skip(data, p))
    elif kind == TYPE:
        shape, p = read_number(data, p)
        if shape == 3:  # an XML element, which has a name
            p = _skip(data, p)
        elif shape > 6 or shape == 5:  # yrs would read on in the middle of an XML hook
            raise BadUpdate("It has a shared type of an unknown kind.")
    elif kind == SUBDOC:
        p = _skip_value(data, _skip(data, p))
    else:
        raise BadUpdate("It has content of an unknown kind.")
    return length, p


def _read_parent(data: bytes, p: int, facts: Facts) -> tuple[Place | None, int]:
    """Return the parent of an item, None if it is a root, and its end."""
    named, p = read_number(data, p)
    if named > 1:
        raise BadUpdate("It has a parent of an unknown kind.")
    if named:
        end = _skip(data, p)
        length, p = read_number(data, p)
        if length > MAX_NAME_BYTES or b"\x00" in data[p:end]:
            raise BadUpdate("The name of a shared type is too long, or has a NUL.")
        facts.roots.add(_decode(data[p:end]))
        return None, end
    client, p = read_number(data, p)
    clock, p = read_number(data, p)
    return (client, clock), p


def _read_structs(data: bytes, facts: Facts, halves: Collection[Place]) -> int:
    """Read the added items; return the place of the deletions."""
    adds, needs, end = facts.adds, facts.needs, len(data)
    clients, p = read_number(data, 0)
    if clients > MAX_CLIENTS:
        raise BadUpdate("It has too many clients.")
    for _ in range(clients):
        count, p = read_number(data, p)
        client, p = read_number(data, p)
        first, p = read_number(data, p)
        if not count or count > end or client in adds or client >= MAX_CLIENT:
            raise BadUpdate("Its clients are not as they should be.")
        clock = first
        for _ in range(count):
            info = data[p]
            kind = info & 31
            p += 1
            if kind in (GC, SKIP):
                if info != kind:
                    raise BadUpdate("It has content of an unknown kind.")
                length, p = read_number(data, p)
                facts.skips |= kind == SKIP
            else:
                if info & HAS_LEFT:
                    other, p = read_number(data, p)
                    at, p = read_number(data, p)
                    at += 1
                    if at > needs.get(other, 0):
                        needs[other] = at
                    if halves and (other, at) in halves:
                        facts.split.add((other, at))
                if info & HAS_RIGHT:
                    other, p = read_number(data, p)
                    at, p = read_number(data, p)
                    if at >= needs.get(other, 0):
                        needs[other] = at + 1
                    if halves and (other, at) in halves:
                        facts.split.add((other, at))
                if not info & (HAS_LEFT | HAS_RIGHT):
                    parent, p = _read_parent(data, p, facts)
                    if parent is not None and parent[1] >= needs.get(parent[0], 0):
                        needs[parent[0]] = parent[1] + 1
                    if info & HAS_KEY:
                        p = _skip(data, p)
                        facts.foreign = True
                if kind == STRING:
                    at = p
                    length, begin = read_number(data, p)
                    p = _move(data, begin, length)
                    piece = data[begin:p]
                    if not piece.isascii():
                        text = _decode(piece)
                        length = len(text) + sum(sign > "\uffff" for sign in text)
                        if length > len(text):
                            facts.wide.append((client, clock, at, begin, p))
                elif kind == DELETED:
                    length, p = read_number(data, p)
                else:
                    facts.foreign = True
                    facts.types += kind == TYPE
                    length, p = _read_foreign(data, p, kind)
            clock += length
            if not length or clock > MAX_CLOCK:
                raise BadUpdate("A clock is out of range.")
        adds[client] = (first, clock)
        facts.empty = False
    return p


def _read_deletes(data: bytes, p: int, facts: Facts, halves: Collection[Place]) -> int:
    """Read the deletions; return their end."""
    end = len(data)
    clients, p = read_number(data, p)
    if clients > MAX_CLIENTS:
        raise BadUpdate("It has too many clients.")
    for _ in range(clients):
        client, p = read_number(data, p)
        count, p = read_number(data, p)
        if count > end - p:
            raise BadUpdate("It is cut short.")
        top = 0
        for _ in range(count):
            # Inlined for speed: in a long-edited text most bytes are deletions.
            at = data[p]
            p += 1
            if at > 127:
                at, p = read_number(data, p - 1)
            length = data[p]
            p += 1
            if length > 127:
                length, p = read_number(data, p - 1)
            length += at
            if length > top:
                top = length
            if halves:
                for place in ((client, at), (client, length)):
                    if place in halves:
                        facts.split.add(place)
            facts.empty = False
        if top > MAX_CLOCK:
            raise BadUpdate("A clock is out of range.")
        facts.deletes[client] = max(top, facts.deletes.get(client, 0))
    return p
