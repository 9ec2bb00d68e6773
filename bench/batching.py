"""A burst of frames to sockets in one room: one message per frame against batches; the cost of deflate."""

from __future__ import annotations

import time
import zlib
from typing import Any
from uuid import uuid4

import msgspec

from bench.fanout import STORED, _control, connect_redis
from bench.remote import remote
from bench.sockets import PONG, Swarm, add_clients, close_swarm, raise_file_limit, split_frames, swarms
from bench.stage import QUICK, REST, Stage, read_cpu_seconds
from bench.table import Figure, median, median_ratio, percentile
from nexcorp.realtime.bus import FRAMES_CHANNEL
from nexcorp.realtime.protocol import BATCHED, SUBPROTOCOL, RoomMessage, pack_messages

SOCKETS = 200
# Frames per burst, each published in one message, and the seconds between two of them.
FRAMES, QUICK_FRAMES = 600, 300
PAUSE_SECONDS = 0.004
WAIT_SECONDS = 60.0
PING, TEXT = 0x89, 0x81
BATCH_SIZES = (1, 10)
DEFLATED = 2_000
LEVEL, NO_HEADER = 1, -15


def open_swarm(name: str, port: int, spoken: str) -> None:
    """Open an empty swarm in this process whose sockets ask for the subprotocol `spoken`."""
    raise_file_limit(20_000)
    swarms[name] = Swarm(port, spoken=spoken)


def run_burst(name: str, room: str, frames: int) -> dict[str, Any]:
    """Publish frames at a steady pace until every socket has all of them; returns times, delays and bytes.

    Each frame carries the time of its publication; delays are taken from every twentieth socket.
    """
    swarm, control = swarms[name], _control["service"]
    sampled = dict.fromkeys(list(swarm.conns)[::20], b"")
    # For each socket without the last frame: the end of the data received, in case the frame is split.
    waiting = dict.fromkeys(swarm.conns, b"")
    delays: list[float] = []
    received = sent = 0
    began = due = time.perf_counter()
    mark = f'"seq":{frames},'.encode()
    while waiting:
        now = time.perf_counter()
        if sent < frames and now >= due:
            sent, due = sent + 1, due + PAUSE_SECONDS
            text = f'{STORED[:-1]},"room":"{room}","seq":{sent},"at":{now:.6f}}}'
            data = pack_messages([RoomMessage(room, [(sent, text)])])
            head = f"*3\r\n$7\r\nPUBLISH\r\n${len(FRAMES_CHANNEL)}\r\n{FRAMES_CHANNEL}\r\n${len(data)}\r\n"
            control.sendall(head.encode() + data + b"\r\n")
        if now - began > WAIT_SECONDS:
            raise RuntimeError(f"{len(waiting)} of {len(swarm.conns)} sockets have not had all frames")
        for number, _ in swarm.poll.poll(max(0.0, due - time.perf_counter()) if sent < frames else 1.0):
            data = swarm.conns[number].recv(262144)
            received += len(data)
            if number in sampled:
                sampled[number] = note_delays(swarm.conns[number], sampled[number] + data, delays)
            if number in waiting:
                data = waiting[number] + data
                if mark in data:
                    del waiting[number]
                else:
                    waiting[number] = data[-40:]
    return {"seconds": time.perf_counter() - began, "delays": delays, "bytes": received}


def note_delays(conn: Any, data: bytes, delays: list[float]) -> bytes:
    """Append the delay of each frame in `data` to `delays`; returns the incomplete rest."""
    now = time.perf_counter()
    messages, rest = split_frames(data)
    for kind, payload in messages:
        if kind == PING:
            conn.send(PONG)
        elif kind == TEXT:
            found = msgspec.json.decode(payload)
            for frame in found if isinstance(found, list) else [found]:
                if "at" in frame:
                    delays.append(now - frame["at"])
    return rest


def measure(stage: Stage) -> list[Figure]:
    """Measure both ways in alternating rounds, then deflate."""
    raise_file_limit(SOCKETS + 1_000)
    ((post_id,),) = stage.query("SELECT id FROM bench_posts WHERE n = 1")
    room = f"post:{post_id}"
    frames = QUICK_FRAMES if stage.size is QUICK else FRAMES
    tokens = [token for _, token in stage.sign_tokens(stage.size.users)]
    each = [tokens[number % len(tokens)] for number in range(SOCKETS)]
    ways = {"each by itself": SUBPROTOCOL, "batches": BATCHED}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(stage.size.rounds):
        for name, spoken in ways.items():
            # A fresh node, whose room sequence begins at 0 like the numbers here.
            with stage.web() as (web, port), remote(REST) as reader:
                reader.call(open_swarm, name, port, spoken)
                reader.call(connect_redis, stage.valkey.url)
                reader.call(add_clients, name, each, f'{{"event":"subscribe","data":{{"room":"{room}"}}}}')
                before = read_cpu_seconds(web.pid)
                result = reader.call(run_burst, name, room, frames)
                result["cpu"] = (read_cpu_seconds(web.pid) - before) / (frames * SOCKETS) * 1e6
                found[name].append(result)
                reader.call(close_swarm, name)
    return [*describe(found, frames), *measure_deflate()]


def describe(found: dict[str, list[dict[str, Any]]], frames: int) -> list[Figure]:
    """The figures of both ways."""
    cpu = {name: [one["cpu"] for one in rounds] for name, rounds in found.items()}
    figures = []
    for name, rounds in found.items():
        delays = [delay * 1000 for one in rounds for delay in one["delays"]]
        figures.append(
            Figure(
                f"a burst, {name}",
                median(cpu[name]),
                "us of CPU a frame",
                ratio=median_ratio(cpu["each by itself"], cpu[name]),
                floor=f"each by itself, {median(cpu['each by itself']):.1f} us",
                detail={
                    "frames_a_second": round(median([frames * SOCKETS / one["seconds"] for one in rounds])),
                    "delay_ms": {
                        "p50": round(percentile(delays, 0.5), 1),
                        "p99": round(percentile(delays, 0.99), 1),
                    },
                    "bytes_a_frame": round(median([one["bytes"] / (frames * SOCKETS) for one in rounds])),
                },
            )
        )
    return figures


def make_messages(size: int) -> list[bytes]:
    """Messages of `size` frames each, with different ids, as in a room."""
    found = []
    for number in range(DEFLATED):
        frames = [
            STORED[:-1].replace("5d701cf31981", uuid4().hex[:12]).replace("1234", str(1234 + at))
            + f',"room":"post:01a1fc35-7b18-7023-95a3-5d701cf31980","seq":{at}}}'
            for at in range(number * size, number * size + size)
        ]
        found.append((frames[0] if size == 1 else f"[{','.join(frames)}]").encode())
    return found


def measure_deflate() -> list[Figure]:
    """CPU per frame and size with permessage-deflate, with one context for all messages and with new ones."""
    figures = []
    for size in BATCH_SIZES:
        messages = make_messages(size)
        for name, keeps in (("a context for each socket", True), ("no context", False)):
            made = zlib.compressobj(LEVEL, zlib.DEFLATED, NO_HEADER)
            deflated = 0
            began = time.process_time()
            for message in messages:
                if not keeps:
                    made = zlib.compressobj(LEVEL, zlib.DEFLATED, NO_HEADER)
                # The last four bytes of a message are not sent (RFC 7692, 7.2.1).
                deflated += len(made.compress(message)) + len(made.flush(zlib.Z_SYNC_FLUSH)) - 4
            seconds = time.process_time() - began
            figures.append(
                Figure(
                    f"deflate of {size}, {name}",
                    seconds / (len(messages) * size) * 1e6,
                    "us of CPU a frame",
                    detail={
                        "bytes_a_frame": round(deflated / (len(messages) * size)),
                        "of": round(sum(map(len, messages)) / (len(messages) * size)),
                    },
                )
            )
    return figures
