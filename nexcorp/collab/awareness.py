"""Awareness: each editor's cursor, name and colour in a file. Not stored.

y-websocket clients repeat every state they receive, so n of them send n * n messages: repetitions are
dropped, and new states are collected for a moment and then sent to everybody at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol
from uuid import UUID

import msgspec

from nexcorp.collab.encoding import MAX_CLIENT, BadUpdate, read_number, write_number
from nexcorp.collab.metrics import ECHOES
from nexcorp.db.encoding import decode, encode

MAX_IDS = 4
MAX_BYTES = 4096
MAX_STATES = 1000
# How long states from other nodes are kept: clients repeat theirs every 15 seconds.
KNOWN_SECONDS = 35.0
# Pairs of a number of editors and the wait in seconds up to that number; beyond, LONGEST_WAIT.
WAITS = ((10, 0.03), (40, 0.1))
LONGEST_WAIT = 0.25
GONE = b"null"

# Client number, clock, state in JSON.
Entry = tuple[int, int, bytes]


class Holder(Protocol):
    """An editor and the client numbers whose states it sends."""

    ids: set[int]

    @property
    def user_id(self) -> UUID: ...


class State:
    """A client's last state. `holder` is None if it is connected to another node."""

    __slots__ = ("clock", "holder", "seen_at", "text")

    def __init__(self, clock: int, text: bytes, holder: Holder | None) -> None:
        self.clock, self.text, self.holder = clock, text, holder
        self.seen_at = time.monotonic()


def read_states(body: bytes) -> Iterator[Entry]:
    """Yield the entries of a message; raises BadUpdate."""
    try:
        count, p = read_number(body, 0)
        if count > MAX_STATES:
            raise BadUpdate("It tells of too many clients.")
        for _ in range(count):
            client, p = read_number(body, p)
            clock, p = read_number(body, p)
            size, p = read_number(body, p)
            if client >= MAX_CLIENT or clock >= MAX_CLIENT - 1 or p + size > len(body):
                raise BadUpdate("A state is not as it should be.")
            yield client, clock, body[p : p + size]
            p += size
    except IndexError:
        raise BadUpdate("The message is cut short.") from None
    if p != len(body):
        raise BadUpdate("There is something behind the states.")


def sign(text: bytes, user_id: UUID) -> bytes | None:
    """Return the state with its user's id set, replacing any id in it; None if it is not a state."""
    if text == GONE:
        return text
    try:
        state = decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not isinstance(state, dict):
        return None
    state.pop("userId", None)
    # Written anew: other parsers may fail on input that this one accepts.
    return encode({**state, "userId": user_id})


def whose(text: bytes) -> bytes:
    """Return the user id of a signed state."""
    return text.rpartition(b'"userId":"')[2].removesuffix(b'"}')


def goes_on(held: State, clock: int, user: bytes) -> bool:
    """Whether a client of another, possibly dead socket has reconnected: same user, newer clock.

    An echo of the client's state has the same clock.
    """
    return clock > held.clock and whose(held.text) == user


class Awareness:
    """The states of one file on this node.

    `count` returns the number of editors here, `show` writes a body to all of them, `publish` sends one to
    other nodes.
    """

    def __init__(
        self, count: Callable[[], int], show: Callable[[bytes], None], publish: Callable[[bytes], None]
    ) -> None:
        self.count, self.show, self.publish = count, show, publish
        self.states: dict[int, State] = {}
        # Changed clients to show, and whether to tell other nodes about them.
        self._changed: dict[int, bool] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, holder: Holder, body: bytes) -> None:
        """Take the states that an editor here sends; raises BadUpdate if the message cannot be read.

        The first state that is not the editor's own, or not new, and all behind it are dropped.
        """
        for client, clock, text in islice(read_states(body), MAX_IDS):
            if not self._take(holder, client, clock, text):
                break

    def _take(self, holder: Holder, client: int, clock: int, text: bytes) -> bool:
        held = self.states.get(client)
        # A client that has gone, but is not yet shown as gone, may already be back.
        if held is None or (held.text == GONE and clock > held.clock):
            if text == GONE or (client not in holder.ids and len(holder.ids) >= MAX_IDS):
                return False
        elif held.holder is not holder and not goes_on(held, clock, str(holder.user_id).encode()):
            ECHOES.inc()
            return False
        elif clock < held.clock or (clock == held.clock and text != GONE):
            return False
        signed = sign(text, holder.user_id) if len(text) <= MAX_BYTES else None
        if signed is None:
            return False
        holder.ids.add(client)
        self.states[client] = State(clock, signed, holder)
        self._note(client, True)
        return True

    def take_from_node(self, body: bytes) -> None:
        """Take the states of another node's editors."""
        for client, clock, text in list(read_states(body)):
            held = self.states.get(client)
            if held is None and text == GONE:
                continue
            if held is not None and held.holder is None and (clock, text) == (held.clock, held.text):
                held.seen_at = time.monotonic()
                continue
            is_far = held is not None and (held.holder is None or held.text == GONE) and clock >= held.clock
            if held is None or is_far or goes_on(held, clock, whose(text)):
                self.states[client] = State(clock, text, None)
                self._note(client, False)

    def tell_own(self) -> None:
        """Send the states of the editors here to other nodes."""
        own = [client for client, state in self.states.items() if state.holder is not None]
        if own:
            self.publish(self.pack(own))

    def leave(self, holder: Holder) -> None:
        """Mark an editor's clients as gone."""
        for client in holder.ids:
            held = self.states.get(client)
            if held is not None and held.holder is holder:
                # The client owns the clock: when it comes back and moves, its clock must be higher.
                self.states[client] = State(held.clock, GONE, None)
                self._note(client, True)

    def forget_old(self, now: float) -> None:
        """Remove other nodes' states that were not repeated for KNOWN_SECONDS. `now` is monotonic."""
        for client, state in list(self.states.items()):
            if state.holder is None and now - state.seen_at > KNOWN_SECONDS and state.text != GONE:
                self.states[client] = State(state.clock, GONE, None)
                self._note(client, False)

    def pack(self, clients: Iterable[int] | None = None) -> bytes:
        """Return the states of these clients, or of all, as the body of a message."""
        chosen = self.states if clients is None else clients
        entries = [(client, self.states[client]) for client in chosen]
        return write_number(len(entries)) + b"".join(
            write_number(client) + write_number(state.clock) + write_number(len(state.text)) + state.text
            for client, state in entries
        )

    def flush(self) -> None:
        """Show and publish the changes now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changed, self._changed = self._changed, {}
        if not changed:
            return
        self.show(self.pack(changed))
        mine = [client for client, is_ours in changed.items() if is_ours]
        if mine:
            self.publish(self.pack(mine))
        for client in changed:
            if self.states[client].text == GONE:
                del self.states[client]

    def _note(self, client: int, is_ours: bool) -> None:
        self._changed[client] = is_ours
        if self._timer is None:
            count = self.count()
            wait = next((wait for most, wait in WAITS if count <= most), LONGEST_WAIT)
            self._timer = asyncio.get_running_loop().call_later(wait, self.flush)
