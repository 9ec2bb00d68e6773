"""The AsyncAPI 3.0 document: commands, answers and frames of `/ws`, and messages of `/collab/{fileId}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from nexcorp import __version__
from nexcorp.documents import editing
from nexcorp.documents.frames import CLIENT_FRAMES, CLOSE_CODES, SERVER_FRAMES, describe_errors
from nexcorp.documents.openapi import name_schema, teach
from nexcorp.realtime import batches, protocol
from nexcorp.realtime.shapes import TEXT, WHOLE, CommandDoc, FrameDoc, shape

PROSE = """\
Frames are JSON text: `{{"event", "data"}}`, at most {limit} bytes from clients. A client's frame may carry an
`id` (a string or whole number of at most 100 characters), which its answer repeats. A frame of a room adds
`room` and `seq`: numbers without gaps, in commit order. Keep (`epoch`, `seq`) of the last frame
shown: connect with `?epoch=&seq=` to get the frames of your own room since then, once and in order; subscribe
to other rooms with them. A list over HTTP has the `epoch` and `seq` from which the frames of its room keep it
complete; a frame may repeat an entry that the list has already.

`feed` has the same name for everybody, and sends you new posts by you and the people you follow. Its frames
have no `seq` and are not kept: call GET /api/v1/feed after every `subscribed`; a post that comes meanwhile
may be in both.

Counters of a post come with `countsVersion`, in frames of all rooms and in answers over HTTP: of two readings
the one with the higher number is newer, whichever came first.

The handshake needs one of: an `Authorization` header, the subprotocol entry `bearer.<accessToken>` beside
`{name}`, or `?ticket=` from POST /api/v1/auth/ticket. API keys open no
sockets. A refused handshake is answered as GET /ws in
`/api/openapi.json` says. The service pings every 25 seconds.

A client that offers the subprotocol `{batched}` gets each message as a JSON array of frames: those of
{window} ms, in order, at most about {most} KB of them. All else is the same: clients send single frames.
If a client offers both subprotocols, the one that it names first is used.

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
# The service does not know where it runs: clients use the host of this document.
SERVERS = {
    name: {
        "host": "{host}",
        "protocol": scheme,
        "protocolVersion": "13",
        "description": text,
        "variables": {"host": {"default": host, "description": "The host of this document."}},
        "security": [{"$ref": f"#/components/securitySchemes/{key}"} for key in SECURITY],
    }
    for name, scheme, host, text in (
        ("secure", "wss", "localhost", "If the service is reached by https."),
        ("local", "ws", "localhost:8080", "During development."),
    )
}
CHANNEL = {"$ref": "#/channels/ws"}


def message_name(event: str, side: str) -> str:
    """Return a component key: letters and digits only."""
    words = event.replace(":", "-").split("-")
    return side + "".join(word.capitalize() for word in words)


def refer_messages(side: str, *events: str) -> list[dict[str, str]]:
    """Return references to messages of the channel."""
    return [{"$ref": f"#/channels/ws/messages/{message_name(event, side)}"} for event in events]


def describe_message(event: str, summary: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return one message object."""
    return {"name": event, "title": event, "summary": summary, "payload": payload}


def describe_messages(
    commands: Mapping[str, CommandDoc], plain: Mapping[str, FrameDoc], frames: Mapping[str, FrameDoc]
) -> dict[str, dict[str, Any]]:
    """Return every message by its component key. `plain`: the service's frames without a number."""
    answer = {"id": {"type": ["string", "integer"]}}
    found: dict[str, dict[str, Any]] = {}
    for event, command in commands.items():
        members = {"event": {"const": event}}
        # A command that needs no data may omit it.
        if command.data.get("required") != []:
            payload = shape({**members, "data": command.data}, **answer)
        else:
            payload = shape(members, data=command.data, **answer)
        found[message_name(event, "client")] = describe_message(event, command.summary, payload)
    for event, frame in plain.items():
        payload = shape({"event": {"const": event}, "data": frame.data}, **answer)
        found[message_name(event, "server")] = describe_message(event, frame.summary, payload)
    for event, frame in frames.items():
        payload = shape({"event": {"const": event}, "data": frame.data, "room": TEXT, "seq": WHOLE})
        if frame.gathered:
            payload["required"].remove("seq")
        found[message_name(event, "server")] = describe_message(event, frame.summary, payload)
    found["batch"] = describe_batch(found)
    return found


def describe_batch(messages: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message for clients that chose batches: an array of the payloads of other messages."""
    frames = [
        {"$ref": f"#/components/messages/{name}/payload"} for name in messages if name.startswith("server")
    ]
    payload = {"type": "array", "minItems": 1, "items": {"oneOf": frames}}
    return describe_message(
        "batch", f"Several frames in one message, with the subprotocol {protocol.BATCHED}.", payload
    )


def describe_operations(commands: Mapping[str, CommandDoc], events: Iterable[str]) -> dict[str, Any]:
    """Return an operation for each command, and one for the frames that the service sends unasked."""
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
    told = [event for event in events if event not in answers]
    found["tell"] = {
        "action": "send",
        "channel": CHANNEL,
        "summary": "Frames that the service sends unasked.",
        "messages": [*refer_messages("server", *told), {"$ref": "#/channels/ws/messages/batch"}],
    }
    return found


def describe_shapes(shapes: Mapping[str, type[Schema]], names: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return the JSON Schemas of shapes and their nested shapes, by name; `names` as for make_openapi()."""
    plugin = MarshmallowPlugin(schema_name_resolver=name_schema)
    spec = APISpec("", "", "3.1.0", plugins=[plugin])
    teach(plugin, names)
    for name, kind in shapes.items():
        spec.components.schema(name, schema=kind)
    found: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    return found


def add_own(own: Mapping[str, Any], brought: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Merge both; raises ValueError if a feature defines a name that is already there."""
    for name in own.keys() & brought.keys():
        raise ValueError(f"there is a {what} {name} already")
    return {**own, **brought}


def make_asyncapi(
    schemas: Mapping[str, type[Schema]],
    frames: Mapping[str, FrameDoc],
    answers: Mapping[str, FrameDoc],
    commands: Mapping[str, CommandDoc],
    names: Mapping[str, Iterable[str]],
) -> dict[str, Any]:
    """Return the whole document.

    `schemas`: of the kinds that frames refer to, by name; `frames`, `answers` and `commands`: those of the
    features; `names` as for make_openapi(). Raises ValueError if a feature defines a name of the protocol, or
    a command's answer is not described.
    """
    plain = add_own(SERVER_FRAMES, answers, "frame")
    plain["error"] = describe_errors(kind for command in commands.values() for kind in command.errors)
    add_own(plain, frames, "frame")
    commands = add_own(CLIENT_FRAMES, commands, "command")
    for name, command in commands.items():
        if command.answer is not None and command.answer not in plain:
            raise ValueError(f"the answer {command.answer} of the command {name} is not described")
    messages = describe_messages(commands, plain, frames)
    codes = "\n".join(f"- {code}: {meaning}" for code, meaning in CLOSE_CODES.items())
    resume = {"epoch": TEXT, "seq": WHOLE, "ticket": TEXT}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "NexCorp Connect, live",
            "version": __version__,
            "description": PROSE.format(
                limit=protocol.MAX_INBOUND_BYTES,
                name=protocol.SUBPROTOCOL,
                batched=protocol.BATCHED,
                window=round(batches.WINDOW_SECONDS * 1000),
                most=batches.MOST_BYTES // 1024,
                codes=codes,
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
            },
            "collab": editing.describe_channel(),
        },
        "operations": {
            **describe_operations(commands, (*plain, *frames)),
            **editing.describe_operations(),
        },
        "components": {
            "messages": {**messages, **editing.describe_messages()},
            "schemas": describe_shapes(schemas, names),
            "securitySchemes": SECURITY,
        },
    }
