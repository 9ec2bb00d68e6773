"""pgbench with a handler's recorded statements: PostgreSQL's rate with a client that costs nothing."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.floors import Recording
from bench.stage import Stage
from nexcorp.embedded.programs import find_programs

SECONDS = 3
# Each recording becomes a script that every client prepares; pgbench picks one at random.
MOST_SCRIPTS = 6


def format_value(value: Any) -> str:
    """A parameter in PostgreSQL's text format."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, list | tuple):
        parts = ("NULL" if part is None else json.dumps(format_value(part)) for part in value)
        return "{" + ",".join(parts) + "}"
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def make_script(recording: Recording, prefix: str) -> tuple[str, dict[str, str]]:
    """The script of one request, and the variables it uses."""
    variables: dict[str, str] = {}
    statements = []
    for number, (text, values) in enumerate(recording):

        def name(found: re.Match[str], number: int = number, values: tuple[Any, ...] = values) -> str:
            value = values[int(found[1]) - 1]
            if value is None:
                return "NULL"
            variables[f"{prefix}_{number}_{found[1]}"] = format_value(value)
            return f":{prefix}_{number}_{found[1]}"

        body = text.partition("*/")[2] if text.startswith("/*") else text
        body = "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("--"))
        statements.append(re.sub(r"\$(\d+)", name, body).strip().rstrip(";") + ";")
    return "\n".join(statements) + "\n", variables


def run_pgbench(stage: Stage, recordings: list[Recording], clients: int) -> float:
    """Transactions per second of these recorded requests, prepared, with `clients` clients."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(find_programs(print)[0] / "pgbench"), "-n", "-M", "prepared"]
        command += ["-c", str(clients), "-T", str(SECONDS)]
        for number, recording in enumerate(recordings[:MOST_SCRIPTS]):
            script, variables = make_script(recording, f"v{number}")
            path = Path(folder, f"{number}.sql")
            path.write_text(script)
            command += ["-f", str(path)]
            for name, value in variables.items():
                command += ["-D", f"{name}={value}"]
        done = subprocess.run([*command, stage.url], capture_output=True, check=False)
    found = re.search(rb"tps = ([0-9.]+)", done.stdout)
    assert found is not None, (done.stdout + done.stderr)[-2000:]
    return float(found[1])
