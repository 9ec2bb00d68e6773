"""The AsyncAPI 3.0 document of `/ws`: commands, what answers them, and the frames of all features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from nexcorp import __version__
from nexcorp.documents.frames import CLIENT_FRAMES, CLOSE_CODES, SERVER_FRAMES
from nexcorp.documents.openapi import name_schema
from nexcorp.realtime import protocol
from nexcorp.realtime.shapes import TEXT, WHOLE, CommandDoc, FrameDoc, shape

PROSE = """\
Frames are JSON text: `{{"event", "data"}}`, at most {limit} bytes from clients. A client's frame may carry an
`id` (a string or whole number of at most 100 characters), which its answer repeats. A frame of a room adds
`room` and `seq`: numbers without gaps, in commit order. Keep (`epoch`, `seq`) of the last frame
shown: connect with `?epoch=&seq=` to get what came since in the own room, once and in order;
subscribe with them to others.

The handshake wants one of: an `Authorization` header, the subprotocol entry `bearer.<accessToken>` beside
`{name}`, or `?ticket=` from POST /api/v1/auth/ticket. Where it is refused, the answer is that of GET /ws in
`/api/openapi.json`. The service pings every 25 seconds.

Close codes:

{codes}
"""
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": f"`{protocol.SUBPROTOCOL}, bearer.<accessToken>`",
    },
    "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket"},
}
# Where it runs is not known to the service: the same host as this document's.
SERVERS = {
    name: {
        "host": "{host}",
        "protocol": scheme,
        "protocolVersion": "13",
        "description": text,
        "variables": {"host": {"default": host, "description": "That of this document."}},
        "security": [{"$ref": f"#/components/securitySchemes/{key}"} for key in SECURITY],
    }
    for name, scheme, host, text in (
        ("secure", "wss", "localhost", "Where the service is reached by https."),
        ("local", "ws", "localhost:8080", "During development."),
    )
}
CHANNEL = {"$ref": "#/channels/ws"}


def message_name(event: str, side: str) -> str:
    """A component key: letters and digits only."""
    words = event.replace(":", "-").split("-")
    return side + "".join(word.capitalize() for word in words)


def refer_messages(side: str, *events: str) -> list[dict[str, str]]:
    """References to messages of the channel."""
    return [{"$ref": f"#/channels/ws/messages/{message_name(event, side)}"} for event in events]


def describe_message(event: str, summary: str, payload: dict[str, Any]) -> dict[str, Any]:
    """One message object."""
    return {"name": event, "title": event, "summary": summary, "payload": payload}


def describe_messages(
    commands: Mapping[str, CommandDoc], frames: Mapping[str, FrameDoc]
) -> dict[str, dict[str, Any]]:
    """Every message by its component key."""
    answer = {"id": {"type": ["string", "integer"]}}
    found: dict[str, dict[str, Any]] = {}
    for event, command in commands.items():
        members = {"event": {"const": event}}
        # What needs no data may leave it out.
        if command.data["required"]:
            payload = shape({**members, "data": command.data}, **answer)
        else:
            payload = shape(members, data=command.data, **answer)
        found[message_name(event, "client")] = describe_message(event, command.summary, payload)
    for event, (summary, data) in SERVER_FRAMES.items():
        payload = shape({"event": {"const": event}, "data": data}, **answer)
        found[message_name(event, "server")] = describe_message(event, summary, payload)
    for event, frame in frames.items():
        payload = shape({"event": {"const": event}, "data": frame.data, "room": TEXT, "seq": WHOLE})
        found[message_name(event, "server")] = describe_message(event, frame.summary, payload)
    return found


def describe_operations(commands: Mapping[str, CommandDoc], frames: Mapping[str, FrameDoc]) -> dict[str, Any]:
    """Each command with what answers it, and what the service sends by itself."""
    found: dict[str, Any] = {
        event: {
            "action": "receive",
            "channel": CHANNEL,
            "summary": command.summary,
            "messages": refer_messages("client", event),
            "reply": {
                "channel": CHANNEL,
                "messages": refer_messages("server", *filter(None, [command.answer]), "error"),
            },
        }
        for event, command in commands.items()
    }
    answers = {command.answer for command in commands.values()}
    told = [event for event in (*SERVER_FRAMES, *frames) if event not in answers]
    found["tell"] = {
        "action": "send",
        "channel": CHANNEL,
        "summary": "What the service sends unasked.",
        "messages": refer_messages("server", *told),
    }
    return found


def describe_shapes(shapes: Mapping[str, type[Schema]]) -> dict[str, Any]:
    """JSON Schemas of these and of what they hold, by name."""
    plugin = MarshmallowPlugin(schema_name_resolver=name_schema)
    spec = APISpec("", "", "3.1.0", plugins=[plugin])
    for name, kind in shapes.items():
        spec.components.schema(name, schema=kind)
    found: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    return found


def make_asyncapi(
    schemas: Mapping[str, type[Schema]], frames: Mapping[str, FrameDoc], commands: Mapping[str, CommandDoc]
) -> dict[str, Any]:
    """The whole document. `schemas`: of the kinds that frames refer to, by name; `frames` and `commands`:
    those of the features."""
    commands = {**CLIENT_FRAMES, **commands}
    messages = describe_messages(commands, frames)
    codes = "\n".join(f"- {code}: {meaning}" for code, meaning in CLOSE_CODES.items())
    resume = {"epoch": TEXT, "seq": WHOLE, "ticket": TEXT}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "NexCorp Connect, live",
            "version": __version__,
            "description": PROSE.format(
                limit=protocol.MAX_INBOUND_BYTES, name=protocol.SUBPROTOCOL, codes=codes
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": {
            "ws": {
                "address": "/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": resume}}},
            }
        },
        "operations": describe_operations(commands, frames),
        "components": {
            "messages": messages,
            "schemas": describe_shapes(schemas),
            "securitySchemes": SECURITY,
        },
    }
