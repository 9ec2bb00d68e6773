"""Functions run in their own processes, each on its core: nothing measured shares an interpreter."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from bench.stage import pin

CONTEXT = multiprocessing.get_context("spawn")
CALL_SECONDS = 120.0


def serve_calls(pipe: Connection, place: int) -> None:
    """Run the functions sent through the pipe until it closes."""
    pin(os.getpid(), place)
    while True:
        try:
            work, values = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, work(*values)))
        except Exception:
            pipe.send((False, traceback.format_exc()))


def serve_forever(pipe: Connection, place: int, work: Callable[..., Any], values: tuple[Any, ...]) -> None:
    """Run a server function; its first argument is a function that it calls with its port."""
    pin(os.getpid(), place)
    work(pipe.send, *values)


class Remote:
    """A process that runs one function at a time; module state persists between calls."""

    def __init__(self, place: int) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve_calls, args=(theirs, place), daemon=True)
        self.process.start()
        theirs.close()

    def call(self, work: Callable[..., Any], *values: Any) -> Any:
        """Run a function; returns its result. RuntimeError with its traceback, or after CALL_SECONDS."""
        self.start(work, *values)
        return self.finish()

    def start(self, work: Callable[..., Any], *values: Any) -> None:
        """Start a function; finish() returns its result."""
        self._pipe.send((work, values))

    def finish(self) -> Any:
        """Wait for the function started last; returns its result. Raises RuntimeError like call().

        The process ends if that takes too long.
        """
        if not self._pipe.poll(CALL_SECONDS):
            # The late result must not be taken for that of the next call.
            self.close()
            raise RuntimeError("a measurement takes too long")
        try:
            good, result = self._pipe.recv()
        except EOFError:
            raise RuntimeError("a measuring process has died") from None
        if not good:
            raise RuntimeError(result)
        return result

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self.process.join(1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@contextlib.contextmanager
def remote(place: int) -> Iterator[Remote]:
    """A Remote for one block."""
    made = Remote(place)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def server(place: int, work: Callable[..., Any], *values: Any) -> Iterator[tuple[int, int]]:
    """(process id, port) of a server function that runs for one block."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=serve_forever, args=(theirs, place, work, values), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(CALL_SECONDS):
            raise RuntimeError(f"{work.__name__} does not start")
        assert process.pid is not None
        yield process.pid, ours.recv()
    finally:
        process.kill()
        process.join()
