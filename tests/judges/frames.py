"""Frames of every kind against the service's own sockets: /ws, /collab and GraphQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

from wsproto.frame_protocol import ParseFailed

from nexcorp.collab.protocol import ALLOWANCE, MALFORMED, TOO_LARGE
from nexcorp.graphql.socket import INVALID_MESSAGE
from nexcorp.realtime.protocol import MAX_INBOUND_BYTES
from tests.judges.cases import Case, Place, list_cases
from tests.judges.service import Service, run_service
from tests.judges.verdict import Deadline, Verdict
from tests.judges.wire import BINARY, PING, TEXT, Closed, Wire, accept_of, frame, offer, shake

LAST_PING = b"still there?"
# Statuses that refuse a bad handshake; GraphQL reads it as a request without a query and answers 422.
REFUSED = {400, 401, 403, 404, 405, 422, 426}
UNTRIED = "the time was over"


def list_places(service: Service) -> Iterator[Place]:
    """Yield every address of sockets; creates a file to edit."""
    yield Place("/ws", "nexcorp.v1", TEXT, b'{"event":"ping","data":{}}', MAX_INBOUND_BYTES)
    # A request for awareness, which has no body.
    path = f"/collab/{find_text(service)}"
    most = ALLOWANCE.message_bytes
    yield Place(path, "nexcorp.v1", BINARY, b"\x03", most, {MALFORMED}, TOO_LARGE)
    hello = b'{"type":"ping"}'
    yield Place("/api/graphql", "graphql-transport-ws", TEXT, hello, MAX_INBOUND_BYTES, {INVALID_MESSAGE})


def find_text(service: Service) -> str:
    """Create a text file that an administrator may edit; return its id."""
    project = service.call("POST", "/api/v1/projects", {"name": "Judged"}, "admin")
    body = {"path": "judged.txt", "type": "text/plain"}
    file = service.call("POST", f"/api/v1/projects/{project['id']}/files", body, "admin")
    return str(file["id"])


async def try_case(service: Service, place: Place, case: Case) -> str | None:
    """Try one case; return the fault of the service, or None."""
    headers = offer(place.protocol, service.tokens["admin"])
    status, answer, wire = await shake(service.port, place.path, headers)
    if wire is None:
        return f"the handshake was answered with {status}"
    try:
        if answer.get("sec-websocket-accept") != accept_of(headers["Sec-WebSocket-Key"]):
            return "Sec-WebSocket-Accept is wrong"
        return await try_frames(wire, case)
    except ParseFailed as error:
        return f"a frame of the service is wrong: {error}"
    except TimeoutError:
        return "no answer came"
    finally:
        wire.drop()


async def try_frames(wire: Wire, case: Case) -> str | None:
    """Send the case's frames; return the fault or None. Raises ParseFailed and TimeoutError."""
    await wire.send(case.parts if case.codes else [*case.parts, frame(PING, LAST_PING)])
    try:
        while await wire.next_pong() != LAST_PING:
            pass
    except Closed as end:
        if end.code not in case.codes:
            return f"closed with {end.code}, not {sorted(case.codes) or 'at all'}"
        return None if await wire.ends() else "the connection stays open behind the close"
    return None


async def try_handshakes(service: Service, place: Place) -> list[str]:
    """Try bad handshakes; return a finding for each that is not refused with a status of REFUSED."""
    wrong: dict[str, dict[str, str | None]] = {
        "version 12": {"Sec_WebSocket_Version": "12"},
        "no version": {"Sec_WebSocket_Version": None},
        "no key": {"Sec_WebSocket_Key": None},
        "a key of 10 bytes": {"Sec_WebSocket_Key": "MDEyMzQ1Njc4OQ=="},
        "a key that is no base64": {"Sec_WebSocket_Key": "?" * 24},
        "no Connection": {"Connection": None},
        "another Upgrade": {"Upgrade": "h2c"},
        "another subprotocol": {"Sec_WebSocket_Protocol": "soap"},
        "another origin": {"Origin": "https://elsewhere.example"},
        "no good token": {"Authorization": "Bearer x"},
    }
    findings = []
    for name, changes in wrong.items():
        headers = offer(place.protocol, service.tokens["admin"], **changes)
        status, _, wire = await shake(service.port, place.path, headers)
        if wire is not None:
            wire.drop()
        if status not in REFUSED:
            findings.append(f"{place.path}: a handshake with {name} was answered with {status}")
    return findings


async def try_all(service: Service, log: Path, deadline: Deadline) -> tuple[int, list[str]]:
    """Try everything; return the number of cases and the findings."""
    count, findings = 0, []
    with log.open("w") as lines:
        for place in list_places(service):
            findings += await try_handshakes(service, place)
            for case in list_cases(place):
                if not deadline.left():
                    return count, [*findings, UNTRIED]
                count += 1
                wrong = await try_case(service, place, case)
                lines.write(json.dumps([place.path, case.name, wrong or "as it should"]) + "\n")
                if wrong is not None:
                    findings.append(f"{place.path}, {case.name}: {wrong}")
    return count, findings


def judge(seconds: float, folder: Path) -> Verdict:
    """Try every case at every address of sockets."""
    with run_service(folder) as service:
        count, findings = asyncio.run(try_all(service, folder / "frames.log", Deadline(seconds)))
        findings += service.list_complaints()
    return Verdict(f"{count} cases of frames at /ws, /collab and /api/graphql", findings)
