"""`make cluster LOAD=3`: measure the capacity of the cluster, then offer three times as much."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tests.chaos.cluster import TRIAL
from tests.chaos.people import Api, Person
from tests.chaos.trial import describe_times
from tools.cluster.cluster import ClusterOfAll
from tools.cluster.haproxy import LOG_FORMAT
from tools.cluster.parts import Ports

PEOPLE, AT_ONCE = 8, 24
CARRY_SECONDS, PRESS_SECONDS = 8.0, 12.0
WRITE_SHARE = 0.2
LOG_WORDS = len(LOG_FORMAT.split())
PATIENCE = aiohttp.ClientTimeout(total=20)


class Crowd:
    """Clients that read lists and comment. `answers`: (status, seconds) of each answer."""

    def __init__(self, api: Api, people: list[Person], post_id: str) -> None:
        self.api, self.people, self.post_id = api, people, post_id
        self.answers: list[tuple[int, float]] = []

    async def ask(self) -> None:
        """Send one request without retries, and record its answer; status 0 if none came."""
        person = random.choice(self.people)
        began, status = time.perf_counter(), 0
        try:
            if random.random() < WRITE_SHARE:
                call = self.api.session.post(
                    f"{self.api.addresses[0]}/api/v1/comments",
                    json={"postId": self.post_id, "body": "one of many"},
                    headers=person.headers,
                    timeout=PATIENCE,
                )
            else:
                url = f"{self.api.addresses[0]}/api/v1/posts?limit=20"
                call = self.api.session.get(url, headers=person.headers, timeout=PATIENCE)
            async with call as response:
                await response.read()
                status = response.status
        except (OSError, TimeoutError, aiohttp.ClientError):
            pass
        self.answers.append((status, time.perf_counter() - began))

    async def carry(self, seconds: float) -> float:
        """Keep AT_ONCE requests in flight for `seconds`; returns successful answers per second."""
        self.answers.clear()
        until = time.perf_counter() + seconds

        async def go_on() -> None:
            while time.perf_counter() < until:
                await self.ask()

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
        return sum(200 <= status < 300 for status, _ in self.answers) / seconds

    async def press(self, rate: float, seconds: float) -> None:
        """Send `rate` requests per second for `seconds`, however slow the answers are."""
        self.answers.clear()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                group.create_task(self.ask())
        took = time.perf_counter() - began
        if took > 1.3 * seconds:
            print(f"this machine sent it in {took:.0f} s in place of {seconds:.0f}")

    def describe(self) -> str:
        """Describe the times of successful and refused requests, and count the others."""
        good = [seconds for status, seconds in self.answers if 200 <= status < 300]
        refused = [seconds for status, seconds in self.answers if status == 503]
        others = Counter(status for status, _ in self.answers if not 200 <= status < 300 and status != 503)
        return f"done {describe_times(good)}, refused {describe_times(refused)}, others {dict(others)}"


def read_refusals(log: Path, begin: int) -> list[float]:
    """Seconds until each 503 of HAProxy or a node, from HAProxy's log, read from byte `begin`."""
    with log.open("rb") as file:
        file.seek(begin)
        lines = [line.split() for line in file.read().decode(errors="replace").splitlines()]
    asked = [line for line in lines if len(line) == LOG_WORDS and line[0].startswith("webs/")]
    return [int(line[4]) / 1000 for line in asked if line[1] == "503"]


async def run_load(home: Path, ports: Ports, times: float, say: Callable[[str], None]) -> None:
    """Measure the capacity, then offer `times` as much."""
    async with ClusterOfAll(home, ports, settings=TRIAL, say=say) as cluster:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        api = Api(cluster.addresses, random.Random(1), session)
        try:
            people = [await api.register(f"person{number}") for number in range(PEOPLE)]
            for _ in range(20):
                post = await api.call("POST", "/api/v1/posts", people[0], json={"body": "Say something"})
            crowd = Crowd(api, people, post["id"])
            await crowd.carry(CARRY_SECONDS / 4)
            rate = await crowd.carry(CARRY_SECONDS)
            say(f"carries {rate:.0f} a second: {crowd.describe()}")
            log = home / "haproxy.log"
            begin = log.stat().st_size
            await crowd.press(times * rate, PRESS_SECONDS)
            say(f"offered {times * rate:.0f} a second: {crowd.describe()}")
            say(f"refused as HAProxy saw it: {describe_times(read_refusals(log, begin))}")
        finally:
            await api.close()
