"""One editor of a file: what its client says, and what it is answered."""

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
# Of more clients than the file knows, a new document has typed while it was away: one a page that was opened.
MAX_NEW_CLIENTS = 1000
MAX_ASKED = 64
# A client that answers so often with updates whose ground is missing has to begin anew.
MAX_GAPS = 3
# Reading more takes long enough to let others have their turn meanwhile.
LONG_BYTES = 32 * 1024


class Editor:
    """`writes`: whether its user may change the file, as last read. `send_away` closes one for now."""

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
        # The numbers of clients in its awareness.
        self.ids: set[int] = set()
        # All that it has sent is among so many first updates of the file here. Not its own alone: what it
        # sent over a socket that broke may still wait to be stored, and is not taken once more.
        self._due = 0
        # What it asked to be told when so many are stored.
        self._asked: deque[tuple[int, bytes]] = deque()
        # It has, or may have, what is neither queued nor stored: what it asks meanwhile is not answered.
        self._owes = False
        self._gaps = 0
        self._denied = self._synced = False
        self._step_1_at = -STEP_1_SECONDS

    @property
    def user_id(self) -> UUID:
        """Whose editor it is."""
        return self.socket.user_id

    async def begin(self) -> None:
        """Open the file, and show who else is there."""
        await self._guard(self._begin())

    async def _begin(self) -> None:
        await self.channel.open()
        self.show_states()

    async def take(self, data: bytes) -> None:
        """Obey one message."""
        if not self.channel.ended:
            await self._guard(self._obey(bytes(data)))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Whatever comes of it, the worst is that the own socket is closed."""
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
        """Tell it who else is there."""
        if self.channel.awareness.states:
            self.socket.tell(protocol.frame_awareness(self.channel.awareness.pack()))

    async def _answer(self, vector: bytes) -> None:
        """Step 1: send all that it lacks, then ask for what it has typed elsewhere."""
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
        """Ask for all that it has and this node has not."""
        self._owes = True
        self.socket.tell(protocol.frame_sync(protocol.STEP_1, encode_vector(self.channel.known)))

    def allow(self, writes: bool) -> None:
        """The user's role in the project is another one now."""
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
            # A reader that is asked has nothing to answer: only what it typed itself is denied.
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
        """As read_update(), without holding others up."""
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
        """All that the client has is here, if this was its answer to ask()."""
        if is_answer and self._owes:
            self._owes, self._gaps = False, 0
            self._asked = deque((self.channel.queued, body) for _, body in self._asked)
            self.tell_stored()

    async def _merge(self, update: bytes, facts: Facts) -> None:
        """Of what may be known already, take only what is new: a step 2 has every deletion there ever was."""
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
        """Whether there is room for so much more that is not stored; else the client has to come back."""
        if self.log.has_room(size):
            return True
        self._owes = True
        self.send_away(self.socket)
        return False

    def _accept(self, update: bytes, facts: Facts, *, applied: bool = False) -> None:
        """Show an update to the others, and have it stored."""
        channel, root = self.channel, choose_root(facts)
        self.log.add(Stored(channel, update, self.user_id, None if root == ROOT else root))
        channel.note(update, facts, applied=applied)
        channel.relay(update, self)

    def _ask_saved(self, body: bytes) -> None:
        """Answer when all that came before is stored."""
        self._asked.append((self._due, body))
        if len(self._asked) > MAX_ASKED:
            self._asked.popleft()
        self.tell_stored()

    def tell_stored(self) -> None:
        """More updates of the file are stored."""
        last = None
        while self._asked and not self._owes and self._asked[0][0] <= self.channel.stored:
            _, last = self._asked.popleft()
        if last is not None:
            self.socket.tell(protocol.frame_saved(last))
