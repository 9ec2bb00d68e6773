"""Deliveries per second to many sockets, against transport.write of the same bytes to as many plain ones."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from bench.floors import serve_fans
from bench.remote import Remote, remote, server
from bench.sockets import add_clients, add_plain, close_swarm, open_swarm, raise_file_limit, swarms
from bench.stage import QUICK, REST, SERVED, Stage, read_cpu_seconds
from bench.table import Figure, median, median_ratio
from nexcorp.realtime.bus import FRAMES_CHANNEL
from nexcorp.realtime.protocol import RoomMessage, pack_messages, wrap

AIM = 0.70
# One broadcast at a time, so that neither side coalesces two. The reader then adds to the wall clock time,
# so the two servers are compared by CPU time per delivery.
WINDOW = 1
DELIVERIES, QUICK_DELIVERIES = 120_000, 60_000
STORED = (
    '{"event":"post:liked","data":{"postId":"01a1fc35-7b18-7023-95a3-5d701cf31980",'
    '"userId":"01a1fc35-7b18-7023-95a3-5d701cf31981","liked":true,"likeCount":1234}}'
)

_control: dict[str, socket.socket] = {}
_seqs = itertools.count(1)


def connect_redis(url: str) -> None:
    """Open a bare connection to Valkey in this process: publishing must cost as little as possible."""
    parts = urlsplit(url)
    conn = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    conn.sendall(f"AUTH {parts.password}\r\n".encode())
    assert conn.recv(100) == b"+OK\r\n"
    _control["service"] = conn


def connect_fans(port: int) -> None:
    """Open the connection whose bytes trigger the floor's server."""
    _control["floor"] = socket.create_connection(("127.0.0.1", port), timeout=10)
    _control["floor"].sendall(b"x")


def run_waves(name: str, room: str, payload: bytes, waves: int) -> float:
    """Send `waves` broadcasts to a swarm of this process; returns the seconds until all have arrived."""
    control, text = _control[name], payload[payload.index(b"{") :].decode()

    def publish() -> None:
        data = pack_messages([RoomMessage(room, [(next(_seqs), text)])])
        head = f"*3\r\n$7\r\nPUBLISH\r\n${len(FRAMES_CHANNEL)}\r\n{FRAMES_CHANNEL}\r\n${len(data)}\r\n"
        control.sendall(head.encode() + data + b"\r\n")

    def ask() -> None:
        control.sendall(b"x")

    seconds = swarms[name].count_waves(publish if name == "service" else ask, payload, waves, WINDOW)
    if name == "service":
        control.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while control.recv(65536):
                pass
        control.setblocking(True)
    return seconds


def measure(stage: Stage) -> list[Figure]:
    """Measure each number of sockets."""
    figures: list[Figure] = []
    for count in (1_000,) if stage.size is QUICK else (1_000, 5_000):
        figures.extend(measure_count(stage, count))
    return figures


@contextlib.contextmanager
def open_both(
    stage: Stage, reader: Remote, port: int, floor_port: int, room: str, count: int
) -> Iterator[None]:
    """For a block: sockets in a room of the service, and as many plain ones at the floor's server."""
    tokens = [token for _, token in stage.sign_tokens(stage.size.users)]
    each = [tokens[number % len(tokens)] for number in range(count)]
    reader.call(open_swarm, "service", port)
    reader.call(open_swarm, "floor", floor_port)
    reader.call(connect_redis, stage.valkey.url)
    reader.call(add_clients, "service", each, f'{{"event":"subscribe","data":{{"room":"{room}"}}}}')
    reader.call(connect_fans, floor_port)
    reader.call(add_plain, "floor", count)
    yield
    reader.call(close_swarm, "service")
    reader.call(close_swarm, "floor")


def measure_count(stage: Stage, count: int) -> list[Figure]:
    """Measure the service and its floor in alternating rounds, with `count` sockets each."""
    # Raise the limit before the servers start, as they inherit it.
    raise_file_limit(2 * count + 1_000)
    ((post_id,),) = stage.query("SELECT id FROM bench_posts WHERE n = 1")
    room = f"post:{post_id}"
    # With room and sequence number, as a worker renders the frame.
    text = f'{STORED[:-1]},"room":"{room}","seq":1000000}}'
    payload = wrap(text.encode())
    waves = (QUICK_DELIVERIES if stage.size is QUICK else DELIVERIES) // count
    rates: dict[str, list[float]] = {"service": [], "floor": []}
    costs: dict[str, list[float]] = {"service": [], "floor": []}
    with (
        stage.web() as (web, port),
        server(SERVED, serve_fans, payload) as (fans, fans_port),
        remote(REST) as reader,
        open_both(stage, reader, port, fans_port, room, count),
    ):
        for name in rates:
            reader.call(run_waves, name, room, payload, 3)
        for _ in range(stage.size.rounds):
            for name, pid in (("service", web.pid), ("floor", fans)):
                before = read_cpu_seconds(pid)
                seconds = reader.call(run_waves, name, room, payload, waves)
                rates[name].append(waves * count / seconds)
                costs[name].append((read_cpu_seconds(pid) - before) / (waves * count) * 1e6)
    per_core = {name: [1e6 / cost for cost in values] for name, values in costs.items()}
    return [
        Figure(
            f"to {count:,} sockets",
            median(per_core["service"]),
            "deliveries/s a core",
            ratio=median_ratio(per_core["service"], per_core["floor"]),
            floor=f"transport.write, {median(per_core['floor']):,.0f}/s",
            aim=AIM,
            detail={
                "rounds": {name: [round(rate) for rate in values] for name, values in per_core.items()},
                "wall_rates": {name: round(median(values)) for name, values in rates.items()},
                "payload_bytes": len(payload),
            },
        ),
    ]
