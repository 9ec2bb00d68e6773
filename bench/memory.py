"""The memory that an idle socket takes in the web process."""

from __future__ import annotations

import time

from bench.remote import remote
from bench.sockets import add_clients, close_swarm, idle_swarm, open_swarm, raise_file_limit
from bench.stage import QUICK, REST, Stage, read_rss_kib
from bench.table import Figure, median

AIM_KIB = 30.0
WARM = 100
SETTLE_SECONDS = 1.5


def measure_once(stage: Stage, count: int) -> float:
    """KiB per socket in a fresh web process."""
    raise_file_limit(count + 1_000)
    tokens = [token for _, token in stage.sign_tokens(stage.size.users)]
    each = [tokens[number % len(tokens)] for number in range(count + WARM)]
    with stage.web() as (web, port), remote(REST) as reader:
        reader.call(open_swarm, "idle", port)
        # The first sockets also load code and create pools and connections.
        reader.call(add_clients, "idle", each[:WARM])
        time.sleep(SETTLE_SECONDS)
        before = read_rss_kib(web.pid)
        reader.call(add_clients, "idle", each[WARM:])
        reader.call(idle_swarm, "idle", SETTLE_SECONDS)
        after = read_rss_kib(web.pid)
        reader.call(close_swarm, "idle")
    return (after - before) / count


def measure(stage: Stage) -> list[Figure]:
    """The growth of the web process's resident memory per signed-in, idle socket."""
    count, rounds = (1_000, 1) if stage.size is QUICK else (2_000, 2)
    found = [measure_once(stage, count) for _ in range(rounds)]
    return [
        Figure(
            f"one of {count:,} idle sockets",
            median(found),
            "KiB",
            aim=AIM_KIB,
            aim_is_value=True,
            detail={"rounds": [round(value, 1) for value in found]},
        )
    ]
