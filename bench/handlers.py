"""Requests per second on one core, against the same statements alone and aiohttp alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.floors import Asked, record_statements, replay_statements, serve_bare
from bench.load import Load, build_get, fetch, run_load
from bench.remote import Remote, remote, server
from bench.stage import REST, SERVED, Stage, read_cpu_seconds
from bench.table import Figure, median, median_ratio

CONNECTIONS = 32
DIFFERENT = 50
WARM_SECONDS = 0.3
AIM = 0.60


@dataclass(frozen=True, slots=True)
class Target:
    """One operation: the paths requested in turn, each with the caller's token or None."""

    name: str
    paths: list[tuple[str, str | None]]

    @property
    def asked(self) -> list[Asked]:
        """The requests in the form for record_statements()."""
        return [("GET", path, token or "", None) for path, token in self.paths]

    @property
    def requests(self) -> list[bytes]:
        """The requests as bytes."""
        return [build_get(path, token) for path, token in self.paths]


def make_targets(stage: Stage) -> list[Target]:
    """The operations to measure."""
    who = stage.sign_tokens(DIFFERENT)
    posts = stage.query("SELECT id FROM bench_posts WHERE n %% 97 = 1 LIMIT %s", DIFFERENT)
    return [
        Target("GET /health", [("/health", None)]),
        Target(
            "GET /posts/{id}",
            [(f"/api/v1/posts/{row[0]}", who[i % len(who)][1]) for i, row in enumerate(posts)],
        ),
        Target("GET /notifications", [("/api/v1/notifications", token) for _, token in who]),
    ]


def measure(stage: Stage) -> list[Figure]:
    """Measure every target and its floors in alternating rounds."""
    targets, size = make_targets(stage), stage.size
    with stage.web() as (web, port), remote(REST) as client, remote(SERVED) as floor:
        bodies = {target.name: fetch(port, target.requests[0])[1] for target in targets}
        plain = {f"/{number}": bodies[target.name] for number, target in enumerate(targets)}
        recordings: dict[str, Any] = {}
        for target in targets[1:]:
            single = stage.config(database_pool=(1, 1))
            recordings[target.name] = floor.call(record_statements, single, target.asked)
        with server(SERVED, serve_bare, plain) as (bare, bare_port):

            def load(pid: int, at: int, requests: list[bytes], seconds: float) -> tuple[float, float]:
                before = read_cpu_seconds(pid)
                result: Load = client.call(run_load, at, requests, CONNECTIONS, seconds)
                assert not result.failures, f"{result.failures} answers were not 2xx"
                return result.rate, (read_cpu_seconds(pid) - before) / result.answers * 1e6

            figures: list[Figure] = []
            for number, target in enumerate(targets):
                bare_requests = [build_get(f"/{number}")]
                load(web.pid, port, target.requests, WARM_SECONDS)
                load(bare, bare_port, bare_requests, WARM_SECONDS)
                rounds: dict[str, list[tuple[float, float]]] = {"service": [], "aiohttp": [], "asyncpg": []}
                for _ in range(size.rounds):
                    rounds["service"].append(load(web.pid, port, target.requests, size.seconds))
                    rounds["aiohttp"].append(load(bare, bare_port, bare_requests, size.seconds))
                    if target.name in recordings:
                        rounds["asyncpg"].append(replay(floor, stage, recordings[target.name]))
                figures.extend(make_figures(target.name, rounds, recordings.get(target.name)))
    return figures


def replay(floor: Remote, stage: Stage, recordings: Any) -> tuple[float, float]:
    """One round of the statements alone: (answers per second, microseconds of CPU per answer)."""
    config, seconds = stage.config(), stage.size.seconds
    load, cpu = floor.call(replay_statements, config, recordings, CONNECTIONS, seconds)
    return load.rate, cpu / load.answers * 1e6


def make_figures(name: str, rounds: dict[str, list[tuple[float, float]]], recording: Any) -> list[Figure]:
    """The figures of one target."""
    rates = {key: [rate for rate, _ in values] for key, values in rounds.items() if values}
    costs = {key: median([cost for _, cost in values]) for key, values in rounds.items() if values}
    slower = min(("aiohttp", "asyncpg"), key=lambda key: median(rates[key]) if key in rates else float("inf"))
    detail = {
        "rates": {key: round(median(values)) for key, values in rates.items()},
        "cpu_us": {key: round(value) for key, value in costs.items()},
        "rounds": {key: [round(value) for value in values] for key, values in rates.items()},
    }
    if recording:
        detail["statements"] = len(recording[0])
    figures = [
        Figure(
            f"{name}",
            median(rates["service"]),
            "requests/s",
            ratio=median_ratio(rates["service"], rates[slower]),
            floor=f"{slower} alone, {median(rates[slower]):,.0f}/s",
            aim=AIM,
            detail=detail,
        )
    ]
    if len(rates) == 3:
        other = "asyncpg" if slower == "aiohttp" else "aiohttp"
        figures.append(
            Figure(
                f"{name}, the other floor",
                median(rates["service"]),
                "requests/s",
                ratio=median_ratio(rates["service"], rates[other]),
                floor=f"{other} alone, {median(rates[other]):,.0f}/s",
            )
        )
    figures.append(
        Figure(
            f"{name}, CPU",
            costs["service"],
            "us a request",
            floor=", ".join(f"{key} {cost:.0f} us" for key, cost in costs.items() if key != "service"),
        )
    )
    return figures
