"""`python -m bench [--quick] [NAME ...]`: measure, print a table, write build/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.stage import CORES, FULL, QUICK, REST, Stage, open_stage, pin
from bench.table import Figure, format_table
from nexcorp.config import REPOSITORY

# identity last: more sign-ins end a user's oldest sessions, which the other parts need.
NAMES = (
    *("handlers", "writes", "social", "fanout", "batching", "memory", "latency"),
    *("persisted", "announced", "inbox", "messages", "tasks", "sending", "webhooks", "collab", "ai"),
    *("repositories", "identity"),
)
RESULTS = REPOSITORY / "build" / "bench.json"
PACKAGES = ("aiohttp", "asyncpg", "uvloop", "msgspec", "redis", "saq")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(NAMES)} (all)")
    parser.add_argument(
        "--quick", action="store_true", help="less data, shorter and fewer rounds: about four minutes"
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="where the results go (build/bench.json)"
    )
    return parser


def describe(stage: Stage, quick: bool) -> dict[str, Any]:
    """The machine, the versions and the rounds of this run."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "rounds": stage.size.rounds,
        "cores": len(CORES) or os.cpu_count(),
        "pinned": stage.pinned,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "postgresql": str(stage.query("SHOW server_version")[0][0]),
        "packages": {name: version(name) for name in PACKAGES},
    }


def measure(names: Sequence[str], quick: bool) -> tuple[dict[str, Any], dict[str, list[Figure]]]:
    """Run the named parts in turn on one stage; returns (about the run, figures by part)."""
    sections: dict[str, list[Figure]] = {}
    began = time.monotonic()
    with open_stage(QUICK if quick else FULL) as stage:
        about = describe(stage, quick)
        print(f"stage ready ({time.monotonic() - began:.0f} s)", flush=True)
        for name in names:
            since = time.monotonic()
            try:
                stage.clear()
                sections[name] = importlib.import_module(f"bench.{name}").measure(stage)
            except Exception as error:
                # The figures of the other parts are still valid.
                print(f"{name} FAILED: {type(error).__name__}: {error}", flush=True)
                continue
            print(f"{name} measured ({time.monotonic() - since:.0f} s)", flush=True)
    about["seconds"] = round(time.monotonic() - began)
    return about, sections


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit code: 1 if a part could not be measured, even if all aims are met."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    names = options.names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
    pin(os.getpid(), REST)
    # On SIGTERM, as on Ctrl-C, stop the servers and remove their data.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    about, sections = measure(names, options.quick)
    print("\n" + format_table(sections))
    parts = {name: [figure.as_dict() for figure in figures] for name, figures in sections.items()}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps({**about, "figures": parts}, indent=2) + "\n")
    print(f"\n{about['seconds']} s; written to {options.output}")
    return 0 if len(sections) == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
