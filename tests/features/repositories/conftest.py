"""A service that may ask loopback, and a git server there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from nexcorp.config import Config
from tests.gitserver import GitServer, serve_git


@pytest.fixture
async def remote(tmp_path: Path) -> AsyncIterator[GitServer]:
    """Git's own server."""
    async with serve_git(tmp_path / "remote") as server:
        yield server


@pytest.fixture
def config(own_config: Config, remote: GitServer) -> Config:
    """The operator lets this one host be asked."""
    return replace(own_config, outbound_allow=(remote.url.removeprefix("http://"),))
