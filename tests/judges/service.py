"""The service under judgement: a web process, a worker, PostgreSQL and Valkey, with the demo company."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import jwt

from nexcorp.config import Config
from nexcorp.domain.demo import ADA, DEMO_PASSWORD, GRACE, LINUS, PEOPLE
from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.embedded.process import plain_environment
from nexcorp.security import tokens
from nexcorp.security.secrets import Secrets
from tests.chaos.cluster import REPOSITORY, Program, choose_ports
from tests.judges.verdict import open_folder
from tests.pushserver import VAPID_KEY
from tests.servers import FAST

SECRET = "a secret of the judges, long enough to be accepted"
ROLES = {"admin": ADA, "manager": GRACE, "member": LINUS}
START_SECONDS = 90.0
# A judge may take longer than an access token is valid.
TOKEN_SECONDS = 24 * 3600


@dataclass
class Service:
    """A running service, and an access token for each role."""

    url: str
    port: int
    log: Path
    programs: list[Program]
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, role: str | None = None) -> Any:
        """Send a request; return its JSON, or its text. Raises RuntimeError unless it succeeds."""
        headers = {"Content-Type": "application/json"}
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
                text = response.read().decode()
                return json.loads(text) if "json" in response.headers.get("Content-Type", "") else text
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
            raise RuntimeError(f"{method} {path} was answered with {error.code}: {answer}") from None

    def list_complaints(self) -> list[str]:
        """Return a finding for each process that has ended, and for each error in the logs."""
        found = []
        for program in self.programs:
            if program.process is None or program.process.poll() is not None:
                found.append(f"the {program.name} process ended by itself")
            for line in program.log.read_text(errors="replace").splitlines():
                if '"level":"error"' in line.replace(" ", "") or line.startswith("Traceback"):
                    found.append(f"{program.name}: {line[:300]}")
        return found


def make_environment(home: Path, database_url: str, redis_url: str, port: int) -> dict[str, str]:
    """Return the settings of the service: rate limits are off, as they would refuse the judges' requests.

    Development mode allows introspection of GraphQL, which schemathesis needs.
    """
    return plain_environment() | {
        "PATH": os.environ.get("PATH", os.defpath),
        "NEXCORP_ENV": "development",
        "NEXCORP_HOME": str(home),
        "DATABASE_URL": database_url,
        "DATABASE_POOL": "2..10",
        "REDIS_URL": redis_url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "JWT_SECRET": SECRET,
        "VAPID_PRIVATE_KEY": VAPID_KEY,
        "LOG_LEVEL": "warning",
        "LOG_FORMAT": "json",
        "RATE_LIMIT_ANONYMOUS": "0",
        "RATE_LIMIT_USER": "0",
        "RATE_LIMIT_FILES": "0",
        "RATE_LIMIT_REGISTRATIONS": "0",
        "LOGIN_FAILURES": "0",
        "MENTIONS_A_MINUTE": "0",
    }


@contextlib.contextmanager
def run_service(folder: Path) -> Iterator[Service]:
    """Run the service on free ports while the block runs; its logs stay in `folder`."""
    postgres_port, valkey_port, port = choose_ports(3)
    with open_folder("judged") as home, contextlib.ExitStack() as stack:
        postgres = PostgresServer(home / "postgres", port=postgres_port, settings=FAST)
        valkey = ValkeyServer(home / "valkey", port=valkey_port)
        for server in (postgres, valkey):
            stack.callback(server.destroy)
            server.start()
        env = make_environment(home, postgres.url, valkey.url, port)
        for command in (["migrate", "up"], ["seed"]):
            run_command(command, env)
        programs = [Program(name, [name], env, folder / f"{name}.log") for name in ("web", "worker")]
        service = Service(f"http://127.0.0.1:{port}", port, folder / "web.log", programs)
        for program in programs:
            program.log.unlink(missing_ok=True)
            stack.callback(program.kill)
            program.start()
        wait_for(port)
        for role, place in ROLES.items():
            service.tokens[role] = sign_in(service, PEOPLE[place].email)
            service.call("POST", "/api/v1/auth/sudo", {"currentPassword": DEMO_PASSWORD}, role)
        yield service


def run_command(arguments: list[str], env: dict[str, str]) -> None:
    """Run a command of the service to its end; raises RuntimeError if it fails."""
    command = [sys.executable, "-m", "nexcorp", *arguments]
    ended = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    if ended.returncode:
        raise RuntimeError(f"nexcorp {' '.join(arguments)} failed: {ended.stderr[-2000:]}")


def wait_for(port: int) -> None:
    """Wait until a process listens at the port; raises RuntimeError after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the service does not listen")


def sign_in(service: Service, email: str) -> str:
    """Sign in; return an access token of the new session that is valid for TOKEN_SECONDS."""
    body = {"email": email, "password": DEMO_PASSWORD, "platform": "cli"}
    answer = service.call("POST", "/api/v1/auth/login", body)
    claims = jwt.decode(answer["accessToken"], options={"verify_signature": False})
    signer = tokens.Tokens(Secrets.from_config(Config(jwt_secret=SECRET)))
    with mock.patch.object(tokens, "ACCESS_SECONDS", TOKEN_SECONDS):
        return signer.sign(
            user_id=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            role=claims["role"],
            role_version=claims["rv"],
            platform=claims["plat"],
        )
