"""The order in which the tests are run: the long ones first, spread over the processes."""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long tests first, so that no process starts one when the others have ended.

    With `--dist=worksteal` each process begins with a run of neighbours, the first with the first part of the
    tests: the long ones are spread over the beginnings of these parts, those of one module together.
    """
    for item in items:
        if item.get_closest_marker("shared") is not None and item.get_closest_marker("asyncio") is not None:
            # The module's service runs in the module's loop.
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
    modules: dict[Path, list[pytest.Item]] = {}
    seconds: Counter[Path] = Counter()
    for item in items:
        if (mark := item.get_closest_marker("long")) is not None:
            modules.setdefault(item.path, []).append(item)
            seconds[item.path] += mark.args[0]
    processes: int = getattr(config, "workerinput", {}).get("workercount", 1)
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    loads = [0.0] * processes
    for module, length in seconds.most_common():
        least = loads.index(min(loads))
        parts[least] += modules[module]
        loads[least] += length
    rest = deque(item for item in items if item.path not in modules or item not in modules[item.path])
    left = len(items)
    for number, part in enumerate(parts):
        size = left // (processes - number)
        while len(part) < size and rest:
            part.append(rest.popleft())
        left -= len(part)
    items[:] = [item for part in parts for item in part] + list(rest)
