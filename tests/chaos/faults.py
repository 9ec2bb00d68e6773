"""The fault driver: plans faults from a seed, injects them, and reports each with its time."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.chaos.cluster import WEBS, WORKERS, Cluster, Processes
from tests.chaos.proxy import Proxy

C = TypeVar("C", bound=Processes)

SPACING = (0.8, 2.0)
HALT = (2.0, 6.0)
STALL = (0.5, 4.0)
PAUSE = (0.1, 1.5)
# A process takes this long to start on a slow machine; the plan spares a target for this long.
START_SECONDS = 3.0
ROLLING_SECONDS = 12.0

# Each kind of fault and the targets it can hit; a rolling restart takes all of its targets in turn.
KINDS: dict[str, tuple[str, ...]] = {
    "kill web": WEBS,
    "kill worker": WORKERS,
    "kill valkey": ("valkey",),
    "kill postgres": ("postgres",),
    "halt web": WEBS,
    "halt worker": WORKERS,
    "halt valkey": ("valkey",),
    "halt postgres": ("postgres",),
    "stall postgres": ("postgres",),
    "stall valkey": ("valkey",),
    "stall readers": WEBS,
    "reset postgres": ("postgres",),
    "reset valkey": ("valkey",),
    "reset readers": WEBS,
    "rolling web": WEBS,
    "rolling worker": WORKERS,
}


@dataclass(frozen=True)
class Fault:
    """One planned fault: when (seconds from the beginning), what, where, and for how long."""

    at: float
    kind: str
    target: str
    seconds: float


# The seconds that faults of a verb or kind last (from, to), and the seconds a target recovers afterwards.
LENGTHS = {"halt": HALT, "stall": STALL}
RECOVERY = {"kill": START_SECONDS, "rolling": ROLLING_SECONDS}


def make_plan(
    seed: int,
    seconds: float,
    kinds: Mapping[str, tuple[str, ...]] = KINDS,
    lengths: Mapping[str, tuple[float, float]] = LENGTHS,
    recovery: Mapping[str, float] = RECOVERY,
    *,
    eager: bool = False,
) -> list[Fault]:
    """Plan faults for `seconds`: every kind once in random order, then again; recovering targets are spared.

    `eager`: while the kinds that are left must wait for their targets, other kinds are planned once more.
    """
    rng = random.Random(seed)
    plan: list[Fault] = []
    free_at = dict.fromkeys(list_targets(kinds), 0.0)
    deck: list[str] = []
    at = 0.0
    while at < seconds:
        if not deck:
            deck = rng.sample(sorted(kinds), len(kinds))
        others = rng.sample(sorted(kinds), len(kinds)) if eager else []
        for kind in (*deck, *(kind for kind in others if not kind.startswith("rolling"))):
            verb = kind.partition(" ")[0]
            targets = [name for name in kinds[kind] if free_at[name] <= at]
            if targets and (verb != "rolling" or len(targets) == len(kinds[kind])):
                break
        else:
            at += 0.2
            continue
        if kind in deck:
            deck.remove(kind)
        target = rng.choice(targets)
        length = lengths.get(kind) or lengths.get(verb) or PAUSE
        fault = Fault(round(at, 2), kind, target, round(rng.uniform(*length), 2))
        plan.append(fault)
        busy = recovery.get(kind, recovery.get(verb, 0.5)) + fault.seconds
        for name in kinds[kind] if verb == "rolling" else (target,):
            free_at[name] = at + busy
        at += rng.uniform(*SPACING)
    return plan


def list_targets(kinds: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return every target of these kinds, sorted."""
    return sorted({name for targets in kinds.values() for name in targets})


class Report:
    """A file with one line of JSON for each fault; together with the seed it lets you repeat the run."""

    def __init__(self, path: Path, **header: Any) -> None:
        self.path = path
        self.began = time.monotonic()
        self.done: Counter[str] = Counter()
        self._file = path.open("w", buffering=1)
        self.note(**header)

    def note(self, **line: Any) -> None:
        """Add a line with the seconds since the beginning."""
        self._file.write(json.dumps({"t": round(time.monotonic() - self.began, 2), **line}) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Driver(Generic[C]):
    """Carries out a plan on a cluster. Faults of different targets may overlap."""

    kinds: Mapping[str, tuple[str, ...]] = KINDS

    def __init__(self, cluster: C, report: Report) -> None:
        self.cluster, self.report = cluster, report
        self._locks = {name: asyncio.Lock() for name in list_targets(self.kinds)}
        # Keys are whole kinds, or verbs.
        self._verbs: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "kill": self._kill,
            "halt": self._halt,
            "stall": self._stall,
            "reset": self._reset,
            "rolling": self._roll,
        }

    async def run(self, plan: list[Fault]) -> None:
        """Inject every fault at its time; return once all are over and everything runs again."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
                group.create_task(self._strike(fault))

    async def _strike(self, fault: Fault) -> None:
        verb = fault.kind.partition(" ")[0]
        strike = self._verbs.get(fault.kind) or self._verbs[verb]
        if verb == "rolling":
            await strike(fault)
        else:
            async with self._locks[fault.target]:
                self.report.note(phase="begin", **asdict(fault))
                await strike(fault)
        self.report.done[fault.kind] += 1
        self.report.note(phase="end", **asdict(fault))

    async def _kill(self, fault: Fault) -> None:
        await self.cluster.kill(fault.target)
        await asyncio.sleep(fault.seconds)
        await self.cluster.start(fault.target)

    async def _halt(self, fault: Fault) -> None:
        self.cluster.signal(fault.target, signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.cluster.signal(fault.target, signal.SIGCONT)

    async def _stall(self, fault: Fault) -> None:
        proxy = self._proxy(fault)
        proxy.stall()
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            proxy.resume()

    async def _reset(self, fault: Fault) -> None:
        self._proxy(fault).reset()

    def _proxy(self, fault: Fault) -> Proxy:
        assert isinstance(self.cluster, Cluster)
        return self.cluster.proxies[fault.target]

    async def _roll(self, fault: Fault) -> None:
        for name in self.kinds[fault.kind]:
            async with self._locks[name]:
                self.report.note(phase="begin", **asdict(fault) | {"target": name})
                await self.cluster.stop(name)
                await self.cluster.start(name)
