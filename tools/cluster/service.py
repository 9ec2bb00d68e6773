"""The service: web nodes and workers of one release, with the settings of a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nexcorp.embedded.process import EmbeddedError, plain_environment
from tests.chaos.cluster import REPOSITORY, Program
from tools.cluster import pgbouncer
from tools.cluster.parts import Ports, Secrets

# If a release has the same lock file, it can run in this environment.
LOCK = "requirements-embedded.txt"


@dataclass(frozen=True)
class Release:
    """A checkout, and a Python with its dependencies."""

    folder: Path
    python: Path

    @property
    def knows_clusters(self) -> bool:
        """Whether its REDIS_URL can name a cluster."""
        return (self.folder / "nexcorp" / "redis_url.py").exists()

    def command(self, *arguments: str) -> list[str]:
        """The command line of a `nexcorp` command; run it in `folder`, so that this release is imported."""
        return [str(self.python), "-m", "nexcorp", *arguments]


THIS = Release(REPOSITORY, Path(sys.executable))


def check_out(ref: str, build: Path) -> Release:
    """Check out an earlier release into a worktree, with its own environment if its lock file differs.

    Both are kept in `build` for later runs. Raises EmbeddedError.
    """
    commit = run_git("rev-parse", "--verify", f"{ref}^{{commit}}").strip()
    folder = build / commit[:12]
    if not (folder / "nexcorp").is_dir():
        build.mkdir(parents=True, exist_ok=True)
        run_git("worktree", "prune")
        run_git("worktree", "add", "--detach", "--force", str(folder), commit)
    lock = folder / LOCK
    if lock.read_bytes() == (REPOSITORY / LOCK).read_bytes():
        return Release(folder, Path(sys.executable))
    python = folder / ".venv" / "bin" / "python"
    if not (folder / ".venv" / "complete").exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder / ".venv")],
            [str(python), "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes", "-r", str(lock)],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise EmbeddedError(f"{' '.join(command[:5])} ...: {done.stderr.strip()[-300:]}")
        (folder / ".venv" / "complete").touch()
    return Release(folder, python)


def run_git(*arguments: str) -> str:
    """Run git in this checkout; returns its output. Raises EmbeddedError."""
    done = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise EmbeddedError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def make_settings(
    home: Path, ports: Ports, secrets: Secrets, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of every process of the service; `more` overrides it."""
    return plain_environment() | {
        "PATH": os.environ.get("PATH", os.defpath),
        "NEXCORP_ENV": "development",
        "HOST": "127.0.0.1",
        "PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "NEXCORP_HOME": str(home / "service"),
        "DATABASE_URL": pgbouncer.make_url(ports, secrets),
        "DATABASE_READ_URL": pgbouncer.make_url(ports, secrets, pgbouncer.READS),
        "DATABASE_STATEMENT_CACHE": "0",
        "DATABASE_POOL": "2..8",
        "JWT_SECRET": secrets.tokens,
        "LOG_LEVEL": "info",
        "LOG_FORMAT": "text",
        "PYTHONUNBUFFERED": "1",
        **(more or {}),
    }


def make_web(name: str, home: Path, ports: Ports, settings: Mapping[str, str], release: Release) -> Program:
    """Make a web node."""
    env = {**settings, "PORT": str(ports.of(name))}
    return Program(name, release.command("web"), env, home / f"{name}.log", folder=release.folder)


def make_worker(name: str, home: Path, settings: Mapping[str, str], release: Release) -> Program:
    """Make a worker."""
    return Program(
        name, release.command("worker"), dict(settings), home / f"{name}.log", folder=release.folder
    )
