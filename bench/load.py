"""HTTP load: prebuilt requests over keep-alive connections, read with epoll and little Python."""

from __future__ import annotations

import json
import math
import select
import socket
import time
from dataclasses import dataclass

LENGTH = b"Content-Length: "
STALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a stretch of load."""

    answers: int
    seconds: float
    failures: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


def build_get(path: str, token: str | None = None) -> bytes:
    """A GET request as bytes."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}\r\n".encode()


def build_request(method: str, path: str, token: str, body: dict[str, object] | None = None) -> bytes:
    """A request as bytes, with a JSON body if given."""
    content = b"" if body is None else json.dumps(body).encode()
    kind = "Content-Type: application/json\r\n" if body is not None else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{kind}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def answer_size(data: bytes) -> int:
    """The total size of the answer at the start of `data`; 0 while its head is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return 0
    at = data.find(LENGTH, 0, end)
    if at < 0:
        return end + 4
    at += len(LENGTH)
    return end + 4 + int(data[at : data.index(b"\r", at)])


def fetch(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send one request; returns (head, body). Raises RuntimeError if the status is not 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as conn:
        conn.sendall(request)
        data = b""
        while not (size := answer_size(data)) or len(data) < size:
            part = conn.recv(262144)
            if not part:
                raise RuntimeError("the connection was closed")
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(data.decode(errors="replace"))
    return head, body


def run_load(port: int, requests: list[bytes], connections: int, seconds: float, once: bool = False) -> Load:
    """Keep one request in flight per connection for `seconds`; answers other than 2xx count as failures.

    The requests are sent in turn, again and again; with `once`, the load ends when all have been sent.
    """
    poll = select.epoll()
    socks: dict[int, socket.socket] = {}
    partial: dict[int, bytes] = {}
    answers = failures = turn = 0
    count = len(requests)
    most = count if once else math.inf
    try:
        for _ in range(connections):
            conn = socket.create_connection(("127.0.0.1", port), timeout=10)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn.setblocking(False)
            socks[conn.fileno()] = conn
            poll.register(conn.fileno(), select.EPOLLIN)
            conn.send(requests[turn % count])
            turn += 1
        began = time.perf_counter()
        deadline, ended = began + seconds, began
        while (ended := time.perf_counter()) < deadline and turn < most:
            events = poll.poll(STALL_SECONDS)
            if not events:
                raise RuntimeError("no answer for 10 s")
            for number, _ in events:
                conn = socks[number]
                data = conn.recv(262144)
                if not data:
                    raise RuntimeError("the server closed a connection")
                if number in partial:
                    data = partial.pop(number) + data
                size = answer_size(data)
                if not size or len(data) < size:
                    partial[number] = data
                    continue
                answers += 1
                if data[9] != 50:  # "2"
                    failures += 1
                if turn >= most:
                    break
                conn.send(requests[turn % count])
                turn += 1
        return Load(answers, ended - began, failures)
    finally:
        for conn in socks.values():
            conn.close()
        poll.close()
