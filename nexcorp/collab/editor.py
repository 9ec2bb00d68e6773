"""One editor of a file: it handles its client's messages and sends the answers."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import structlog

from nexcorp.collab import protocol
from nexcorp.collab.channel import Channel, encode_vector
from nexcorp.collab.document import ROOT, TooLarge, choose_root
from nexcorp.collab.encoding import BadUpdate, read_vector
from nexcorp.collab.socket import EditorSocket
from nexcorp.collab.storing import Log, Stored
from nexcorp.collab.updates import Facts, has_gap, read_update
from nexcorp.errors import AppError, FileNotFound
from nexcorp.logs import seldom
from nexcorp.realtime.protocol import GOING_AWAY

log = structlog.get_logger("nexcorp.collab")

STEP_1_SECONDS = 1.0
# A document typed offline may add this many unknown clients: one for each page that was opened.
MAX_NEW_CLIENTS = 1000
MAX_ASKED = 64
# A client that sends updates with missing predecessors more often than this must start anew.
MAX_GAPS = 3
# Longer updates are read in a thread, so that other clients are not held up.
LONG_BYTES = 32 * 1024


class Editor:
    """A client that edits a file. `writes`: whether its user may change it; `send_away` closes its socket."""

    def __init__(
        self,
        socket: EditorSocket,
        channel: Channel,
        log: Log,
        send_away: Callable[[EditorSocket], None],
        *,
        writes: bool,
    ) -> None:
        self.socket, self.channel, self.log, self.send_away = socket, channel, log, send_away
        self.writes = writes
        # The client numbers whose awareness it sends.
        self.ids: set[int] = set()
        # Everything this client has sent is among the first `_due` updates of the file here. That counts all
        # clients: its own updates, sent over a socket that broke, may still wait to be stored.
        self._due = 0
        # Questions of the client: answer `body` once this many updates are stored.
        self._asked: deque[tuple[int, bytes]] = deque()
        # The client has, or may have, updates not queued here: do not answer its questions meanwhile.
        self._owes = False
        self._gaps = 0
        self._denied = self._synced = False
        self._step_1_at = -STEP_1_SECONDS

    @property
    def user_id(self) -> UUID:
        """The id of the editor's user."""
        return self.socket.user_id

    async def begin(self) -> None:
        """Open the file, and send the other editors' states."""
        await self._guard(self._begin())

    async def _begin(self) -> None:
        await self.channel.open()
        self.show_states()

    async def take(self, data: bytes) -> None:
        """Carry out one message."""
        if not self.channel.ended:
            await self._guard(self._obey(bytes(data)))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Await `work`; on an error, close this editor's socket."""
        try:
            await work
        except TooLarge as error:
            self.socket.close(protocol.TOO_LARGE, str(error))
        except BadUpdate as error:
            self.socket.close(protocol.MALFORMED, str(error))
        except FileNotFound:
            self.socket.close(protocol.FILE_GONE, "the file is gone")
        except AppError as error:
            if seldom(f"collab {error.code}"):
                log.warning("an editor is sent away", reason=error.code)
            self.send_away(self.socket)
        except Exception:
            log.exception("an editor's message crashed")
            self.send_away(self.socket)

    async def _obey(self, data: bytes) -> None:
        message, kind, body = protocol.read_message(data)
        if message == protocol.SAVED:
            self._ask_saved(body)
        elif message == protocol.AWARENESS:
            self.channel.awareness.take(self, body)
        elif message == protocol.QUERY_AWARENESS:
            self.show_states()
        else:
            await (self._answer(body) if kind == protocol.STEP_1 else self._take_update(kind, body))
            self._due = self.channel.queued

    def show_states(self) -> None:
        """Send the states of the other editors."""
        if self.channel.awareness.states:
            self.socket.tell(protocol.frame_awareness(self.channel.awareness.pack()))

    async def _answer(self, vector: bytes) -> None:
        """Answer step 1: send what the client lacks, then ask for what it typed elsewhere."""
        known = read_vector(vector, len(self.channel.known) + MAX_NEW_CLIENTS)
        wait = self._step_1_at + STEP_1_SECONDS - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        self._step_1_at = time.monotonic()
        document = await self.channel.need_document()
        self.socket.tell_large(self.channel.replica.encode(document, vector))
        if self.writes and known and not self._synced:
            self.ask()
        self._synced = True

    def ask(self) -> None:
        """Ask for everything that the client has and this node does not."""
        self._owes = True
        self.socket.tell(protocol.frame_sync(protocol.STEP_1, encode_vector(self.channel.known)))

    def allow(self, writes: bool) -> None:
        """Take over whether the user may write now."""
        if writes and not self.writes and self._synced:
            self.ask()
        self.writes, self._denied = writes, False

    def _deny(self) -> None:
        self._owes = True
        if not self._denied:
            self._denied = True
            self.socket.tell(protocol.DENIED)

    async def _take_update(self, kind: int, update: bytes) -> None:
        is_answer = kind == protocol.STEP_2
        limit = protocol.MAX_UPDATE_BYTES + (self.channel.replica.state_bound if is_answer else 0)
        if len(update) > limit:
            raise TooLarge("The update is too large.")
        facts = await self._read(update)
        if facts.empty:
            self._pay(is_answer)
        elif not self.writes:
            # A reader that is asked has nothing to send: deny only what it typed itself.
            self._deny()
        elif has_gap(facts, self.channel.known):
            self._note_gap()
        elif is_answer or facts.foreign:
            await self._merge(update, facts)
            self._pay(is_answer)
        elif facts.deletes or not self._knows(facts):
            if facts.adds and not await self.channel.has_room(len(update)):
                raise TooLarge("The file is full.")
            if self._may_queue(len(update)):
                self._accept(update, facts)

    async def _read(self, update: bytes) -> Facts:
        """As read_update(), but in a thread if the update is long."""
        if len(update) <= LONG_BYTES:
            return read_update(update)
        async with self.log.reading:
            return await asyncio.to_thread(read_update, update)

    def _knows(self, facts: Facts) -> bool:
        known = self.channel.known
        return all(end <= known.get(client, 0) for client, (_, end) in facts.adds.items())

    def _note_gap(self) -> None:
        self._gaps += 1
        if self._gaps > MAX_GAPS:
            self.socket.close(GOING_AWAY, "updates are missing")
        else:
            self.ask()

    def _pay(self, is_answer: bool) -> None:
        """Note that the client's answer to ask() is here, and with it all its updates."""
        if is_answer and self._owes:
            self._owes, self._gaps = False, 0
            self._asked = deque((self.channel.queued, body) for _, body in self._asked)
            self.tell_stored()

    async def _merge(self, update: bytes, facts: Facts) -> None:
        """Take the new parts of an update that may be partly known: a step 2 has all deletions ever made."""
        document = await self.channel.need_document()
        try:
            news = document.apply(update, facts)
        except BaseException:
            self.channel.replica.drop()
            raise
        if self._may_queue(sum(map(len, news))):
            for part in news:
                self._accept(part, facts, applied=True)
        else:
            self.channel.replica.drop()

    def _may_queue(self, size: int) -> bool:
        """Whether `size` more bytes may wait to be stored; if not, send the client away."""
        if self.log.has_room(size):
            return True
        self._owes = True
        self.send_away(self.socket)
        return False

    def _accept(self, update: bytes, facts: Facts, *, applied: bool = False) -> None:
        """Show an update to the other editors, and queue it to be stored."""
        channel, root = self.channel, choose_root(facts)
        self.log.add(Stored(channel, update, self.user_id, None if root == ROOT else root))
        channel.note(update, facts, applied=applied)
        channel.relay(update, self)

    def _ask_saved(self, body: bytes) -> None:
        """Answer the client's question once all it sent before is stored."""
        self._asked.append((self._due, body))
        if len(self._asked) > MAX_ASKED:
            self._asked.popleft()
        self.tell_stored()

    def tell_stored(self) -> None:
        """Answer the questions whose updates are all stored by now."""
        last = None
        while self._asked and not self._owes and self._asked[0][0] <= self.channel.stored:
            _, last = self._asked.popleft()
        if last is not None:
            self.socket.tell(protocol.frame_saved(last))
