"""The socket: rooms, resuming, acknowledgements, and reconnecting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from nexcorp_client.errors import ApiError, make_error, pause
from nexcorp_client.places import Place, Room

if TYPE_CHECKING:
    from nexcorp_client.client import Client

PLAIN, BATCHED = "nexcorp.v1", "nexcorp.v1.batch"
# The service pings every 25 seconds.
SILENT_SECONDS = 40.0
ANSWER_SECONDS = 15.0
HANDSHAKE_SECONDS = 30.0
# The service takes 20 commands a second, and 40 at once.
PACE_SECONDS, AHEAD_SECONDS = 0.0625, 1.0
ACK_SECONDS = 0.25
# Each five of them count as one more command.
ROOMS_AT_ONCE = 20
GOING_AWAY, TOKEN_EXPIRED, FINAL = 4001, 4005, 4500
MEND = (1002, 1007, 1009)
SPARED = ("connected", "subscribed", "authenticated", "acknowledged", "pong", "token-expiring")


@dataclass(frozen=True, slots=True)
class Frame:
    """An event: `event` and `data` as in /api/asyncapi.json; `room` and `seq` if it has them.

    Two events are of this package: `lost` (frames of `room` cannot be recovered: fetch its state anew), and
    `refused` (the service did not let this client back into `room`; `data` has `code` and `message`).
    """

    event: str
    data: Any
    room: str | None = None
    seq: int | None = None
    place: Place | None = None


class Live:
    """A socket that reconnects by itself; iterate over it for frames, each once and in order.

    `async with client.live("post:...") as live` is connected, and in the rooms, when the block begins. A
    frame counts as shown when the next one is taken; with `ack` it is then acknowledged. `places` has the
    last shown frame of each room, from which a later Live can resume. With `batch`, frames of 20 ms come
    together. Frames that you do not take wait in memory.

    Iterating raises ApiError if the service closes the socket for good, with `close_code` 4500 or above, and
    ends after close().
    """

    def __init__(
        self, client: Client, rooms: Iterable[str], places: Mapping[str, Place], *, batch: bool, ack: bool
    ) -> None:
        self._client, self._batch, self._acks = client, batch, ack
        names = dict.fromkeys([*rooms, *places])
        self._rooms: dict[str, Room] = {name: Room.at(places.get(name)) for name in names}
        # None ends the iteration.
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._joins: dict[str, asyncio.Future[Place]] = {}
        self._said = 0
        self._next_at = 0.0
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._up = asyncio.Event()
        self._ended: Exception | None = None
        self._closed = False
        self._reason: Any = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        # The user's own room is joined by the service, under a name that is known once connected.
        joins = [self._expect(name) for name in self._rooms if not name.startswith("user:")]
        self._spawn(self._run())
        if self._acks:
            self._spawn(self._acknowledge())
        try:
            await self._up.wait()
            if self._ended is not None:
                raise self._ended
            await asyncio.gather(*joins)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Acknowledge shown frames, and close the socket."""
        if self._closed:
            return
        self._closed = True
        if self._acks and self._ended is None:
            with contextlib.suppress(ApiError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._acknowledge_once()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._ended is None:
            self._end(ApiError(0, {"code": "closed", "message": "This was closed."}))

    @property
    def places(self) -> dict[str, Place]:
        """The place of the last shown frame of each room."""
        return {name: room.shown for name, room in self._rooms.items() if room.shown is not None}

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while True:
            frame = await self._frames.get()
            if frame is None:
                self._frames.put_nowait(None)
                if self._ended is None or self._closed:
                    return
                raise self._ended
            yield frame
            room = self._rooms.get(frame.room or "")
            if room is not None and frame.place is not None:
                room.shown = frame.place

    async def join(self, name: str, place: Place | None = None) -> Place:
        """Join a room, from `place` on if given; return the room's place.

        Fetch the room's state after this call: frames from that place on keep it complete. Raises ApiError if
        the room does not exist for you.
        """
        self._rooms[name] = Room.at(place)
        joined = self._expect(name)
        if self._up.is_set():
            self._spawn(self._subscribe([name]))
        try:
            return await joined
        except ApiError:
            self._rooms.pop(name, None)
            raise

    async def leave(self, name: str) -> None:
        """Leave a room."""
        self._rooms.pop(name, None)
        if self._up.is_set():
            await self.say("unsubscribe", room=name)

    async def say(self, event: str, **data: Any) -> Any:
        """Send a command; return its answer's data. Raises ApiError if it is refused or not answered."""
        await self._up.wait()
        if self._ended is not None:
            raise self._ended
        self._said += 1
        number = self._said
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"event": event, "data": data, "id": number})
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except (TimeoutError, ConnectionError, aiohttp.ClientError) as error:
            raise ApiError(0) from error
        finally:
            self._answers.pop(number, None)

    async def _send(self, frame: Mapping[str, Any]) -> None:
        """Send one command, at the pace that the service allows."""
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at, now - AHEAD_SECONDS) + PACE_SECONDS
        await asyncio.sleep(max(0.0, self._next_at - now))
        if self._ws is None:
            raise ConnectionError("not connected")
        await self._ws.send_str(json.dumps(frame))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _expect(self, name: str) -> asyncio.Future[Place]:
        found = self._joins.get(name)
        if found is None or found.done():
            found = self._joins[name] = asyncio.get_running_loop().create_future()
            # Perhaps nobody awaits it any more.
            found.add_done_callback(lambda done: done.cancelled() or done.exception())
        return found

    async def _run(self) -> None:
        """Connect, read, and reconnect, until the socket is closed for good; then pass its error on."""
        try:
            await self._come_back()
        except Exception as error:
            self._end(error)

    async def _come_back(self) -> None:
        tries = 0
        # A token that the service no longer accepts.
        old: str | None = None
        while self._ended is None:
            wait = 0.0
            try:
                token = await self._client.fresh_token(old)
                code, reason = await self._serve(token)
                old = None
                if code is not None and (code >= FINAL or code in MEND):
                    self._end(
                        ApiError(
                            0, self._reason or {"code": f"closed_{code}", "message": reason}, close_code=code
                        )
                    )
                elif code == TOKEN_EXPIRED:
                    old = token
                elif code == GOING_AWAY and (seconds := re.search(r"[\d.]+", reason)):
                    wait = float(seconds[0])
            except aiohttp.WSServerHandshakeError as refusal:
                refused = make_error(refusal.status, None, dict(refusal.headers or {}))
                wait = refused.wait
                if refused.status == 401 and old is None and self._client.refresh_token:
                    old = token
                elif not refused.passing:
                    self._end(refused)
            except ApiError as error:
                wait = error.wait
                if not error.passing:
                    self._end(error)
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            tries = 1 if self._up.is_set() and self._ended is None else tries + 1
            self._disconnected()
            if self._ended is None:
                await asyncio.sleep(max(wait, pause(tries)))

    async def _serve(self, token: str | None) -> tuple[int | None, str]:
        """Run one connection, from its handshake to its end; return the close code and the reason."""
        mine = self._rooms.get(self._own())
        query = {}
        if mine is not None and mine.came is not None and mine.came.epoch is not None:
            query = {"epoch": mine.came.epoch, "seq": str(mine.came.seq)}
        self._reason = None
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            ws = await self._client.session.ws_connect(
                self._client.url + "/ws",
                # A service without batches chooses the other.
                protocols=(BATCHED, PLAIN) if self._batch else (PLAIN,),
                headers={"Authorization": f"Bearer {token}"},
                params=query,
                max_msg_size=0,
            )
        async with ws:
            self._ws = ws
            while True:
                message = await ws.receive(timeout=SILENT_SECONDS)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return ws.close_code, str(message.extra or "")
                found = json.loads(message.data)
                for frame in found if isinstance(found, list) else [found]:
                    self._receive(**frame)

    def _own(self) -> str:
        user = self._client.user
        if user is not None:
            return f"user:{user['id']}"
        return next((name for name in self._rooms if name.startswith("user:")), "")

    def _receive(
        self, event: str, data: Any, room: str | None = None, seq: Any = None, id: Any = None, **_: Any
    ) -> None:
        if event == "connected":
            self._connected(data)
        elif event == "subscribed":
            for one in data.get("rooms", [data]):
                self._joined(one)
        elif event == "unsubscribed" and id is None:
            self._rooms.pop(data["room"], None)
        elif event == "token-expiring":
            self._spawn(self._renew())
        elif event == "error" and "closeCode" in data:
            self._reason = data
            return
        if id is not None:
            answer = self._answers.get(id)
            if answer is not None and not answer.done():
                if event == "error":
                    answer.set_exception(ApiError(0, data))
                else:
                    answer.set_result(data)
            return
        if event in SPARED:
            return
        place = None
        if room is not None and seq is not None:
            known = self._rooms.get(room)
            if known is None or not known.is_new(seq):
                return
            place = known.came
        self._frames.put_nowait(Frame(event, data, room, seq, place))

    def _connected(self, data: Any) -> None:
        name = f"user:{data['userId']}"
        self._note(name, self._rooms.setdefault(name, Room()), data)
        self._up.set()
        others = [other for other in self._rooms if other != name]
        for at in range(0, len(others), ROOMS_AT_ONCE):
            self._spawn(self._subscribe(others[at : at + ROOMS_AT_ONCE]))

    def _note(self, name: str, room: Room, data: Any) -> None:
        if room.joined(data["epoch"], data["seq"], data["recovered"]):
            self._frames.put_nowait(Frame("lost", {}, name, None, room.came))
        expected = self._joins.pop(name, None)
        if expected is not None and not expected.done():
            expected.set_result(room.came or Place(None, None))

    def _joined(self, data: Any) -> None:
        room = self._rooms.get(data["room"])
        if room is None:
            return
        if "error" not in data:
            self._note(data["room"], room, data)
            return
        error = ApiError(0, data["error"])
        expected = self._joins.pop(data["room"], None)
        del self._rooms[data["room"]]
        if expected is not None and not expected.done():
            expected.set_exception(error)
        else:
            self._frames.put_nowait(Frame("refused", data["error"], data["room"]))

    async def _subscribe(self, names: list[str]) -> None:
        """Join rooms from where they were, grouped by epoch; if that fails, reconnect."""
        by_epoch: dict[str | None, list[Any]] = {}
        for name in names:
            room = self._rooms.get(name)
            came = room.came if room is not None else None
            known = came is not None and came.epoch is not None
            one = {"room": name, "seq": came.seq} if known and came is not None else name
            by_epoch.setdefault(came.epoch if came is not None else None, []).append(one)
        for epoch, rooms in by_epoch.items():
            try:
                await self.say("subscribe", rooms=rooms, **({"epoch": epoch} if epoch is not None else {}))
            except ApiError:
                # Overloaded, or already closed: reconnect.
                if self._ws is not None:
                    await self._ws.close()
                return

    async def _renew(self) -> None:
        with contextlib.suppress(ApiError):
            await self.say("auth", token=await self._client.fresh_token(self._client.token))

    async def _acknowledge(self) -> None:
        while True:
            await asyncio.sleep(ACK_SECONDS)
            with contextlib.suppress(ApiError):
                await self._acknowledge_once()

    async def _acknowledge_once(self) -> None:
        """Acknowledge the rooms in which frames were shown since the last time."""
        for name, room in list(self._rooms.items()):
            seq = room.shown.seq if room.shown is not None else None
            if seq is not None and seq != room.acked and self._up.is_set():
                await self.say("ack", room=name, seq=seq)
                room.acked = seq

    def _disconnected(self) -> None:
        self._up.clear()
        self._ws = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ApiError(0))
        if self._ended is not None:
            # Tell waiting callers that there will be no connection.
            self._up.set()

    def _end(self, error: Exception) -> None:
        self._ended = error
        self._frames.put_nowait(None)
        for expected in self._joins.values():
            if not expected.done():
                expected.set_exception(error)
        self._up.set()
