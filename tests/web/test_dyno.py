"""A dyno with several processes under gunicorn: one format of log lines, and no files left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from nexcorp.config import REPOSITORY, Config, child_environment
from tests.chaos.cluster import choose_ports

pytestmark = pytest.mark.long(15)


def wait_for(found: Callable[[], Any]) -> Any:
    """Return the result of `found` as soon as it is true; fails after 30 s."""
    for _ in range(600):
        try:
            if result := found():
                return result
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("it never came")


def fetch(url: str) -> bytes:
    """Return the body of a page."""
    body: bytes = urlopen(url).read()  # noqa: S310 - of our own making
    return body


def test_a_dyno_logs_in_one_format_and_leaves_no_folder(config: Config, tmp_path: Path) -> None:
    (port,) = choose_ports(1)
    environment = child_environment(
        DATABASE_URL=config.database_url,
        REDIS_URL=config.redis_url,
        JWT_SECRET=config.jwt_secret,
        NEXCORP_ENV="production",
        NEXCORP_HOME=str(tmp_path),
        METRICS_OPEN="true",
        HOST="127.0.0.1",
        PORT=str(port),
        WEB_CONCURRENCY="2",
        LOG_FORMAT="json",
        TMPDIR=str(tmp_path),
    )
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "nexcorp", "web"],
            cwd=REPOSITORY,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        base = f"http://127.0.0.1:{port}"
        wait_for(lambda: fetch(f"{base}/health"))
        assert list(tmp_path.glob("nexcorp-metrics-*"))
        assert b"nexcorp_outbox_depth" in fetch(f"{base}/metrics")
        # gunicorn logs that its worker was killed.
        os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
        wait_for(lambda: "SIGKILL" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(line["logger"] == "gunicorn.error" and "SIGKILL" in line["event"] for line in lines)
    assert not list(tmp_path.glob("nexcorp-metrics-*"))
