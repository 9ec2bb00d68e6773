"""Redis for the limits: scripts over a client of its own, which gives up soon and then rests for a while."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from redis.exceptions import NoScriptError, ResponseError

from nexcorp.background import end_tasks
from nexcorp.redis_client import CONNECTION_LOST, Lanes

log = structlog.get_logger("nexcorp.limits")

LUA = Path(__file__).parent / "lua"
# Wait in steps: steps in which this node's own loop was late do not count against Redis, up to a limit.
STEPS = 5
PATIENCE = 4
# How long Redis is left alone after it failed: requests must not wait for it again and again.
REST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the digest under which Redis keeps it."""

    text: str
    digest: str


def load_script(name: str) -> Script:
    """Return the script in `lua/<name>.lua`."""
    text = (LUA / f"{name}.lua").read_text()
    return Script(text, hashlib.sha1(text.encode()).hexdigest())  # noqa: S324 - what EVALSHA asks for


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script on one key."""

    script: Script
    key: str
    values: tuple[int, ...] = ()


async def wait_briefly(work: Coroutine[Any, Any, list[Any]], seconds: float) -> list[Any]:
    """Return the result of `work` within `seconds`; else cancel it and raise TimeoutError."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        step, on_time = seconds / STEPS, 0
        deadline = time.monotonic() + PATIENCE * seconds
        while on_time < STEPS and (began := time.monotonic()) < deadline:
            done, _ = await asyncio.wait((task,), timeout=step)
            if done:
                return task.result()
            on_time += time.monotonic() - began < step * 1.5
        raise TimeoutError
    finally:
        if not task.done():
            await end_tasks((task,))


class Scripts:
    """Runs scripts in one round trip. `run()` returns None if Redis is down, slow or left alone.

    `seconds`: the time limit for an answer.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self.seconds = seconds
        # Longer than run() waits, which tells a late loop from a late Redis.
        self.lanes = Lanes(url, seconds=PATIENCE * seconds)
        self._rest_until = 0.0
        self.down = False

    @property
    def resting(self) -> bool:
        """Whether Redis failed a moment ago, and is left alone."""
        return time.monotonic() < self._rest_until

    async def prepare(self) -> None:
        """Connect and load the scripts, so that no request has to wait for that."""
        with contextlib.suppress(*CONNECTION_LOST):
            for path in sorted(LUA.glob("*.lua")):
                text = path.read_text()
                await asyncio.gather(*(client.script_load(text) for client in self.lanes.clients))
        # On Python 3.11 asyncio.wait_for, which redis-py sends with, can swallow a cancellation.
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError

    async def run(self, calls: Sequence[Call]) -> list[Any] | None:
        """Return the scripts' answers in their order, or None."""
        if self.resting:
            return None
        try:
            answers = await wait_briefly(self._evaluate(calls), self.seconds)
        except CONNECTION_LOST as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            if not self.down:
                self.down = True
                log.warning("redis does not answer: this node limits by itself", error=type(error).__name__)
            return None
        if self.down:
            self.down = False
            log.warning("redis answers again: limits count for all nodes")
        return answers

    async def _evaluate(self, calls: Sequence[Call]) -> list[Any]:
        answers = await self._send(calls, whole=False)
        # Calls whose script Redis did not know had no effect: repeat them with the script's text, which it
        # keeps.
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._send([calls[at] for at in unknown], whole=True)
            for at, answer in zip(unknown, again, strict=True):
                answers[at] = answer
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    async def _send(self, calls: Sequence[Call], *, whole: bool) -> list[Any]:
        if not self.lanes.clustered:
            return await send_calls(self.lanes.home, calls, whole=whole)
        # Each lane in a round trip of its own, all at once.
        places: dict[Any, list[int]] = {}
        for at, call in enumerate(calls):
            places.setdefault(self.lanes.find(call.key), []).append(at)
        parts = await asyncio.gather(
            *(
                send_calls(client, [calls[at] for at in found], whole=whole)
                for client, found in places.items()
            )
        )
        answers: list[Any] = [None] * len(calls)
        for found, part in zip(places.values(), parts, strict=True):
            for at, answer in zip(found, part, strict=True):
                answers[at] = answer
        return answers

    async def close(self) -> None:
        """Close the connections."""
        await self.lanes.aclose()


async def send_calls(client: Any, calls: Sequence[Call], *, whole: bool) -> list[Any]:
    """Return one Redis's answer to each call, or its error; `whole`: send the scripts' texts along."""
    async with client.pipeline(transaction=False) as pipe:
        for call in calls:
            key = client.tag + call.key
            if whole:
                pipe.eval(call.script.text, 1, key, *call.values)
            else:
                pipe.evalsha(call.script.digest, 1, key, *call.values)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
    return answers
