"""schemathesis reads the OpenAPI document and tries to get an answer that is not in it, or a crash."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "unsupported_method"
)
# What would end the session all calls are made with, or its role's rights: ids are learned from lists.
ENDS_THE_RUN = [
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/password",
    "DELETE /api/v1/auth/sessions",
    "DELETE /api/v1/auth/sessions/{id}",
    "DELETE /api/v1/users/me",
    "PUT /api/v1/roles/{role}/permissions",
    "PUT /api/v1/users/{id}/role",
    "PUT /api/v1/users/{id}/status",
]
# Without a provider or Cloudinary they can only say 503, to schemathesis an error; a socket is no request.
ELSEWHERE = [
    "/ws",
    "/ready",
    "/api/v1/auth/oauth/{provider}",
    "/api/v1/auth/oauth/{provider}/callback",
    "/api/v1/uploads/signature",
    "/api/v1/uploads/confirm",
]


def make_command(url: str, token: str) -> list[str]:
    """The command line; the seed makes it the same run each time."""
    command = [PROGRAM, "run", f"{url}/api/openapi.json", "--checks", CHECKS, "--seed", "1"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "4", "--no-color", "--continue-on-failure"]
    command += ["--request-timeout", "20", "--generation-database", "none"]
    for operation in ENDS_THE_RUN:
        command += ["--exclude-name", operation]
    for path in ELSEWHERE:
        command += ["--exclude-path", path]
    return [*command, "--header", f"Authorization: Bearer {token}"]


@pytest.mark.long(35)
@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ["admin", "member"])
async def test_no_answer_is_undocumented(service: Any, make_user: Any, role: str, tmp_path: Path) -> None:
    user = await make_user(role=role)
    process = await asyncio.create_subprocess_exec(
        *make_command(service.url, user.token),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output[-8000:]
    # Nothing was tried if the session had ended on the way.
    assert (await user.client.get("/api/v1/auth/me")).status == 200
