"""schemathesis reads the OpenAPI document and tries to get an answer that is not in it, or a crash."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# What would end the very session that all calls are made with, or take its role's rights away.
ENDS_THE_RUN = [
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/password",
    "DELETE /api/v1/auth/sessions",
    "DELETE /api/v1/users/me",
    "PUT /api/v1/roles/{role}/permissions",
]
# Without a provider these can only say 503, which is a server's error to schemathesis; a socket is no request.
ELSEWHERE = ["/ws", "/ready", "/api/v1/auth/oauth/{provider}", "/api/v1/auth/oauth/{provider}/callback"]


def make_command(url: str, token: str | None) -> list[str]:
    """The command line; the seed makes it the same run each time."""
    command = [PROGRAM, "run", f"{url}/api/openapi.json", "--checks", CHECKS, "--seed", "1"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "4", "--no-color", "--continue-on-failure"]
    command += ["--request-timeout", "20", "--generation-database", "none"]
    for operation in ENDS_THE_RUN:
        command += ["--exclude-name", operation]
    for path in ELSEWHERE:
        command += ["--exclude-path", path]
    if token is not None:
        command += ["--header", f"Authorization: Bearer {token}"]
    return command


@pytest.mark.parametrize("role", ["admin", "member", None])
async def test_no_answer_is_undocumented(
    service: Any, make_user: Any, role: str | None, tmp_path: Path
) -> None:
    token = (await make_user(role=role)).token if role is not None else None
    # Another admin stays, whatever the first one does to themselves.
    await make_user(role="admin")
    process = await asyncio.create_subprocess_exec(
        *make_command(service.url, token),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output[-8000:]
    assert "Authentication failed" not in output or token is None, output[-4000:]
