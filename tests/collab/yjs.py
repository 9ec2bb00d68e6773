"""Real yjs under Node if it is installed, or its recorded output."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sql.kept import cache_folder

HERE = Path(__file__).parent


def recorded_cases() -> list[dict[str, Any]]:
    """Return recorded cases in the form that `make` of yjs.mjs prints."""
    found: list[dict[str, Any]] = json.loads((HERE / "yjs_cases.json").read_text())
    return found


def run_yjs(*args: str, given: Any = None) -> Any:
    """Return the parsed output of yjs.mjs; skip the test without Node or yjs."""
    node, folder = shutil.which("node"), cache_folder().with_name("nexcorp-yjs")
    if node is None or not (folder / "node_modules" / "yjs").is_dir():
        pytest.skip(f"needs Node and yjs: npm install --prefix {folder} yjs@13")
    done = subprocess.run(
        [node, HERE / "yjs.mjs", folder, *args],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)
