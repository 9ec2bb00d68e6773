"""slowhttptest in three modes while others use the service: slow headers, slow bodies, slow reading."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.judges.service import Service, run_service
from tests.judges.verdict import Verdict, run_program

PROGRAM = "slowhttptest"
LACKING = f"{PROGRAM} is not installed (Debian and Ubuntu: apt install {PROGRAM})"
CONNECTIONS = 1000
MOST_SECONDS = 60.0
# The limit of an answer in seconds while a thousand connections are held; the machine may be busy.
ANSWER_SECONDS = 5.0
PAUSE = 0.1


@dataclass
class Others:
    """Measurements of other clients: the seconds of each answer, and each failure."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def show(self) -> str:
        """Describe the number, p99 and maximum of the answers."""
        ordered = sorted(self.seconds) or [0.0]
        p99, worst = (round(1000 * found) for found in (ordered[len(ordered) * 99 // 100], ordered[-1]))
        return f"{len(self.seconds)} of others answered, p99 {p99} ms, worst {worst} ms"


async def use(service: Service, path: str, others: Others, *, fresh: bool) -> None:
    """Request the path again and again until cancelled; `fresh`: on a new connection each time."""
    headers = {"Authorization": f"Bearer {service.tokens['member']}"}
    loop = asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(force_close=fresh)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(
        service.url, headers=headers, connector=connector, timeout=timeout
    ) as session:
        while True:
            began = loop.time()
            try:
                async with session.get(path) as response:
                    await response.read()
                    if response.status != 200:
                        others.failures.append(f"{path} was answered with {response.status}")
                others.seconds.append(loop.time() - began)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                others.failures.append(f"{path} was not answered: {type(error).__name__}")
            await asyncio.sleep(PAUSE)


def make_commands(service: Service, seconds: float) -> dict[str, list[str]]:
    """Return the command of each mode; slow readers request a large public document."""
    common = [PROGRAM, "-c", str(CONNECTIONS), "-r", "200", "-l", str(round(seconds)), "-p", "5", "-v", "1"]
    api = f"{service.url}/api/v1"
    document = f"{service.url}/api/openapi.json"
    return {
        "slow headers": [*common, "-H", "-i", "5", "-x", "24", "-u", f"{api}/posts"],
        "slow body": [
            *(*common, "-B", "-i", "5", "-s", "8192", "-x", "10", "-t", "POST"),
            *("-f", "application/json", "-u", f"{api}/auth/login"),
        ],
        "slow read": [
            *common,
            "-X",
            "-k",
            "5",
            "-n",
            "5",
            "-w",
            "512",
            "-y",
            "1024",
            "-z",
            "32",
            "-u",
            document,
        ],
    }


async def attack(
    service: Service, command: list[str], log: Path, seconds: float
) -> tuple[Others, int | None]:
    """Run one mode while others use the service; return their measurements and the exit code."""
    others = Others()
    users = [
        asyncio.create_task(use(service, path, others, fresh=fresh))
        for path, fresh in (("/api/v1/feed", True), ("/api/v1/feed", False), ("/health", True))
    ]
    code = await asyncio.to_thread(run_program, command, log, seconds)
    for user in users:
        user.cancel()
    await asyncio.gather(*users, return_exceptions=True)
    return others, code


def judge(seconds: float, folder: Path) -> Verdict:
    """Run each mode for a third of the time, at most MOST_SECONDS."""
    if shutil.which(PROGRAM) is None:
        return Verdict(LACKING, skipped=True)
    share = min(MOST_SECONDS, seconds / 3)
    said, findings = [], []
    with run_service(folder) as service:
        for mode, command in make_commands(service, share).items():
            log = folder / f"{mode.replace(' ', '-')}.log"
            others, code = asyncio.run(attack(service, command, log, share + 30))
            said.append(f"{mode}: {others.show()}")
            findings += [f"{mode}: {failure}" for failure in sorted(set(others.failures))]
            if code is None:
                findings.append(f"{mode}: slowhttptest did not end")
        findings += service.list_complaints()
    return Verdict(f"{CONNECTIONS} connections of slowhttptest; {'; '.join(said)}", findings)
