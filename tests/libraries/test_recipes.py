"""docs/recipes.md, from its top to its end, against the running service."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from nexcorp.config import REPOSITORY
from tests.api import fetch

pytestmark = pytest.mark.shared

PAGE = REPOSITORY / "docs/recipes.md"
# curl 7.82 brought --json; --fail-with-body is older.
OLDEST_CURL = (7, 82)


async def run(*command: str, cwd: Path, **environment: str) -> tuple[int | None, str]:
    """Run a command; return its exit code, and its stdout and stderr together."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_the_recipes_with_curl(make_user: Any, service: Any, tmp_path: Path) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("needs curl and bash")
    _, said = await run("curl", "--version", cwd=tmp_path)
    version = re.match(r"curl (\d+)\.(\d+)", said)
    assert version is not None
    if tuple(map(int, version.groups())) < OLDEST_CURL:
        pytest.skip(f"needs curl {'.'.join(map(str, OLDEST_CURL))} or newer")
    ada = await make_user()
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    curled = [block for block in blocks if "websocat" not in block]
    assert len(curled) == len(blocks) - 4
    script = "\n".join(["set -euo pipefail", *curled])
    code, out = await run(
        *("bash", "-c", script), cwd=tmp_path, URL=service.url, EMAIL=ada.email, PASSWORD=ada.password
    )
    assert code == 0, out[-3000:]
    # A change based on an old version, an invalid post, and a call with the session that has ended.
    assert re.findall(r"^\d{3}$", out, re.MULTILINE) == ["412", "401"]
    assert '"code":"validation_failed"' in out
    bodies = [
        row["body"] for row in await fetch(service, "SELECT body FROM posts WHERE author_id = $1", ada.id)
    ]
    assert sorted(bodies) == ["Like this.", "Shall we have lunch outside?"]
    assert (tmp_path / "plan.md").read_text() == "# Lunch\n- bread\n"
