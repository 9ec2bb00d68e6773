"""A service that may send requests to loopback, and a git server there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from nexcorp.config import Config
from tests.gitserver import GitServer, serve_git


@pytest.fixture
async def remote(tmp_path: Path) -> AsyncIterator[GitServer]:
    """A git server, run by git itself."""
    async with serve_git(tmp_path / "remote") as server:
        yield server


@pytest.fixture
def config(own_config: Config, remote: GitServer) -> Config:
    """Settings that allow requests to the git server."""
    return replace(own_config, outbound_allow=(remote.url.removeprefix("http://"),))
