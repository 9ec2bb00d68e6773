"""schemathesis reads the OpenAPI document and looks for an undocumented answer or a crash."""

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
# These would end the session of all calls, or change its rights: schemathesis learns ids from lists.
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
# Without a language model, a provider or Cloudinary these always answer 503, which schemathesis takes for an
# error; a socket is no request.
UNCONFIGURED = [
    "POST /api/v1/ai/chats/{id}/messages",
    "POST /api/v1/ai/chats/{id}/messages/{messageId}/regenerate",
]
ELSEWHERE = [
    "/ws",
    "/ready",
    "/api/v1/auth/oauth/{provider}",
    "/api/v1/auth/oauth/{provider}/callback",
    "/api/v1/uploads/signature",
    "/api/v1/uploads/confirm",
]


def make_command(url: str, token: str) -> list[str]:
    """Return the command line; its seed makes every run the same."""
    command = [PROGRAM, "run", f"{url}/api/openapi.json", "--checks", CHECKS, "--seed", "1"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "4", "--no-color", "--continue-on-failure"]
    command += ["--request-timeout", "20", "--generation-database", "none"]
    for operation in (*ENDS_THE_RUN, *UNCONFIGURED):
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
    # Fails if the session has ended: then every call was refused.
    assert (await user.client.get("/api/v1/auth/me")).status == 200
