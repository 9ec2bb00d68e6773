"""The bus on a cluster: each room has a sharded channel, and nodes have a subscription for each lane.

A message goes only to the nodes that have its room, through the master of the room's lane. If a lane loses
its master, that lane subscribes anew; the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from nexcorp.realtime import bus
from nexcorp.realtime.protocol import RoomMessage, pack_messages, unpack_messages
from nexcorp.redis_client import Demoted, Lanes
from nexcorp.redis_places import lane_of
from nexcorp.security.revocations import Revoked

# Nothing is published on it: it is subscribed to last.
LAST_CHANNEL = "nexcorp:lane"
# How often to ask a cluster for its masters.
CHECK_SECONDS = 5.0


class ShardedPublisher(bus.Publisher):
    """The sending side. `gatherers`: by kind of room, the rooms that also want its frames."""

    def __init__(self, lanes: Lanes, gatherers: Mapping[str, Collection[str]]) -> None:
        super().__init__(lanes)
        self.gatherers = gatherers

    async def publish_frames(self, messages: list[RoomMessage]) -> None:
        """See Publisher; each message goes to the channels of its room and of the rooms that gather it."""
        await self.publish([payload for message in messages for payload in self._pack(message)])

    def _pack(self, message: RoomMessage) -> Iterator[tuple[str, bytes]]:
        payload = pack_messages([message])
        for room in (message.room, *self.gatherers.get(message.room.partition(":")[0], ())):
            yield bus.ROOM_CHANNEL + room, payload

    async def _count_heard(self, names: Collection[str]) -> Iterable[tuple[bytes, int]]:
        # A demoted master would still answer, and count no subscribers.
        await self.client.check(CHECK_SECONDS)
        lanes: dict[Any, list[str]] = {}
        for name in names:
            client = self.client.find(name)
            lanes.setdefault(client, []).append(client.tag + bus.ROOM_CHANNEL + name)
        counts = await asyncio.gather(
            *(client.pubsub_shardnumsub(*channels) for client, channels in lanes.items())
        )
        return chain.from_iterable(counts)

    async def _send(self, payloads: list[tuple[str, bytes]]) -> bool:
        lanes: dict[Any, list[tuple[str, bytes]]] = {}
        for channel, payload in payloads:
            client = self.client.find(channel.removeprefix(bus.ROOM_CHANNEL))
            lanes.setdefault(client, []).append((client.tag + channel, payload))
        await asyncio.gather(*(say(client, said) for client, said in lanes.items()))
        return True


async def say(client: Any, said: list[tuple[str, bytes]]) -> None:
    """Send each payload on its sharded channel; all channels are of one lane."""
    async with client.pipeline(transaction=False) as pipe:
        for channel, payload in said:
            pipe.execute_command("SPUBLISH", channel, payload)
        await pipe.execute()


class Rooms(Collection[str]):
    """A live view of a node's rooms that lie in one lane."""

    def __init__(self, rooms: Collection[str], lane: int) -> None:
        self.rooms, self.lane = rooms, lane

    def __contains__(self, name: object) -> bool:
        return name in self.rooms

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.rooms if lane_of(name) == self.lane)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LaneListener(bus.Listener):
    """The listener of one lane."""

    JOINED, SAID = "ssubscribe", "smessage"

    def __init__(self, client: Any, **more: Any) -> None:
        super().__init__(client, **more)
        self.room_channel = client.tag + bus.ROOM_CHANNEL
        self.last = client.tag + LAST_CHANNEL

    def _list_channels(self) -> list[str]:
        return [*self.others, self.last]

    async def _join(self, subscription: Any, channels: list[str]) -> None:
        await subscription.ssubscribe(*channels)

    async def _leave(self, subscription: Any, channels: list[str]) -> None:
        await subscription.sunsubscribe(*channels)

    def _note_left(self, message: Any) -> None:
        if message["type"] == "sunsubscribe" and message["channel"].decode() == self.last:
            raise Demoted("this part of the cluster is at another master now")

    def _dispatch(self, channel: bytes, data: bytes) -> None:
        other = self.others.get(channel.decode())
        if other is not None:
            other(data)
            return
        for message in unpack_messages(data):
            self.on_message(message)


class ShardedListener:
    """A listener of all lanes of a cluster, with the interface of Listener."""

    def __init__(
        self,
        lanes: Lanes,
        *,
        rooms: Collection[str],
        on_message: Callable[[RoomMessage], None],
        on_revoked: Callable[[Revoked], None],
        on_connected: Callable[[], None],
        on_late: Callable[[str], None],
    ) -> None:
        self.client, self.on_revoked = lanes, on_revoked
        self.others: dict[str, Callable[[bytes], None]] = {}
        self.listeners = [
            LaneListener(
                client,
                rooms=Rooms(rooms, lane),
                on_message=on_message,
                on_revoked=on_revoked,
                on_connected=on_connected,
                on_late=on_late,
            )
            for lane, client in enumerate(lanes.clients)
        ]

    @property
    def connected(self) -> bool:
        """Whether all lanes are connected."""
        return all(listener.connected for listener in self.listeners)

    def note_changed(self, name: str) -> None:
        """See Listener."""
        self.listeners[lane_of(name)].note_changed(name)

    async def follow(self, name: str) -> None:
        """See Listener."""
        await self.listeners[lane_of(name)].follow(name)

    async def run(self) -> None:
        """See Listener."""
        self.others[bus.REVOKED_CHANNEL] = lambda data: self.on_revoked(bus.unpack_revoked(data))
        for channel, call in self.others.items():
            listener = self.listeners[lane_of(channel)]
            listener.others[listener.client.tag + channel] = call
        async with asyncio.TaskGroup() as group:
            for listener in self.listeners:
                group.create_task(listener.run())
            group.create_task(self._watch())

    async def _watch(self) -> None:
        """Notice a master that was demoted: it still delivers, but workers ask the new master for
        subscribers."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self.client.check(CHECK_SECONDS)


def make_listener(lanes: Lanes, **more: Any) -> bus.Listener | ShardedListener:
    """Return the listener for a single Redis or for a cluster."""
    return ShardedListener(lanes, **more) if lanes.clustered else bus.Listener(lanes.home, **more)


def make_publisher(lanes: Lanes, gatherers: Mapping[str, Collection[str]]) -> bus.Publisher:
    """Return the publisher for a single Redis or for a cluster."""
    return ShardedPublisher(lanes, gatherers) if lanes.clustered else bus.Publisher(lanes.home)
