"""The rules of preferences: only differences from the defaults are stored; critical types cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any
from uuid import UUID, uuid5

from nexcorp.db import sql
from nexcorp.db.encoding import show_time
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.delivery.events import NoticeType
from nexcorp.errors import Invalid
from nexcorp.features.preferences.errors import EntityNotFound, TypeNotFound

Types = Mapping[str, NoticeType]
# The defaults of the table notification_settings.
DEFAULTS: dict[str, Any] = {
    "timezone": "UTC",
    "quiet_from": None,
    "quiet_to": None,
    "digest": "none",
    "digest_at": time(8),
    "next_digest_at": None,
}
COLUMNS = {"inApp": "in_app", "email": "email", "push": "push"}
# An event's entity needs an id, but a type of notification has only a name: uuid5 makes an id of it.
TYPE_IDS = UUID("5f6c5d0a-2f5e-4a53-9a0e-0a9fd9f6f3d1")


def show_clock(value: time | None) -> str | None:
    """Format a time of the wall clock for clients."""
    return None if value is None else value.strftime("%H:%M")


def show_defaults(declared: NoticeType) -> dict[str, Any]:
    """Return the channels of a type as its feature declares them."""
    return {name: getattr(declared, column) for name, column in COLUMNS.items()}


async def list_critical(conn: Any, types: Types) -> set[str]:
    """Return the names of the critical types, by design or by a mark."""
    marked = {row["type"] for row in await sql.preferences.list_marked_types(conn) if row["critical"]}
    return {name for name, declared in types.items() if declared.critical or name in marked}


async def list_own(conn: Any, user_id: UUID) -> dict[str, dict[str, Any]]:
    """Return a person's differences from the defaults, by type; a channel without one is None."""
    rows: list[Any] = await sql.preferences.list_preferences(conn, user_id=user_id)
    return {row["type"]: {name: row[column] for name, column in COLUMNS.items()} for row in rows}


def show_types(
    types: Types, critical: set[str], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return each type's channels as they take effect, with its defaults beside them."""
    shown: dict[str, dict[str, Any]] = {}
    for name, declared in types.items():
        default = show_defaults(declared)
        differs = {} if name in critical else own.get(name, {})
        holds = {channel: value for channel, value in differs.items() if value is not None}
        shown[name] = {**default, **holds, "default": default, "critical": name in critical}
    return shown


async def get_preferences(conn: Any, types: Types, user_id: UUID) -> dict[str, Any]:
    """Return all settings of a person, as they take effect."""
    settings = await sql.preferences.get_settings(conn, user_id=user_id) or DEFAULTS
    quiet = settings["quiet_from"] is not None
    return {
        "types": show_types(types, await list_critical(conn, types), await list_own(conn, user_id)),
        "quietHours": {"from": show_clock(settings["quiet_from"]), "to": show_clock(settings["quiet_to"])}
        if quiet
        else None,
        "timezone": settings["timezone"],
        "digest": settings["digest"],
        "digestAt": show_clock(settings["digest_at"]),
        "nextDigestAt": show_time(settings["next_digest_at"]),
    }


async def set_preferences(
    conn: Any, types: Types, zones: frozenset[str], user_id: UUID, data: dict[str, Any]
) -> None:
    """Change the settings in `data`, and emit the names of those that differ now.

    `zones`: the valid time zones. Raises Invalid for another time zone, for unknown types, and for a critical
    type with other channels than its defaults.
    """
    if data.get("timezone", "UTC") not in zones:
        raise Invalid(errors={"timezone": ["Not a time zone of the IANA database, as Europe/Berlin."]})
    # This lock serialises changes of one person's settings.
    old: Any = await sql.preferences.lock_settings(conn, user_id=user_id)
    changed = await set_types(conn, types, user_id, data.get("types") or {})
    new = {name: old[name] for name in ("timezone", "quiet_from", "quiet_to", "digest", "digest_at")}
    new |= {column: data[name] for name, column in RENAMED.items() if name in data}
    if "quietHours" in data:
        quiet = data["quietHours"] or {"from_": None, "to": None}
        new |= {"quiet_from": quiet["from_"], "quiet_to": quiet["to"]}
        if (old["quiet_from"], old["quiet_to"]) != (quiet["from_"], quiet["to"]):
            changed.append("quietHours")
    changed += [name for name, column in RENAMED.items() if old[column] != new[column]]
    if not changed:
        return
    await sql.preferences.save_settings(conn, user_id=user_id, **new)
    await emit(
        conn,
        "notifications.settings_updated",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"fields": changed},
    )


RENAMED = {"timezone": "timezone", "digest": "digest", "digestAt": "digest_at"}


async def set_types(conn: Any, types: Types, user_id: UUID, wanted: dict[str, Any]) -> list[str]:
    """Store a person's choices for types; return the names of the channels that changed. Raises Invalid."""
    critical, own = await list_critical(conn, types), await list_own(conn, user_id)
    errors: dict[str, list[str]] = {}
    changed: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    for name, choice in wanted.items():
        if name not in types:
            errors[f"types.{name}"] = [f"Must be of: {', '.join(types)}."]
            continue
        if choice is None:
            choice = dict.fromkeys(COLUMNS)
        default = show_defaults(types[name])
        if name in critical:
            if any(value not in (None, default[channel]) for channel, value in choice.items()):
                errors[f"types.{name}"] = ["Is critical: it cannot be changed."]
            continue
        before = own.get(name, dict.fromkeys(COLUMNS))
        differs = {channel: None if value == default[channel] else value for channel, value in choice.items()}
        rows[name] = {**before, **differs}
        changed += [
            f"types.{name}.{channel}" for channel in COLUMNS if before[channel] != rows[name][channel]
        ]
    if errors:
        raise Invalid(errors=errors)
    if changed:
        await sql.preferences.save_preferences(
            conn,
            user_id=user_id,
            types=list(rows),
            in_apps=[row["inApp"] for row in rows.values()],
            emails=[row["email"] for row in rows.values()],
            pushes=[row["push"] for row in rows.values()],
        )
    return changed


async def mute(conn: Any, user_id: UUID, entity_type: str, entity_id: UUID, until: Any) -> Any:
    """Mute an entity; one statement. Raises EntityNotFound unless it exists and the user may see it."""
    row = await sql.preferences.mute(
        conn,
        user_id=user_id,
        entity_type=entity_type,
        entity_id=entity_id,
        until=until,
        context=describe_context(),
    )
    if row is None:
        raise EntityNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row


async def unmute(conn: Any, user_id: UUID, entity_type: str, entity_id: UUID) -> None:
    """End a mute; does nothing if the entity is not muted."""
    gone = await sql.preferences.unmute(
        conn, user_id=user_id, entity_type=entity_type, entity_id=entity_id, context=describe_context()
    )
    if gone:
        conn.after(WAKE)


def show_type(declared: NoticeType, critical: set[str]) -> dict[str, Any]:
    """Return a type as /notifications/types shows it."""
    return {
        "type": declared.name,
        "critical": declared.name in critical,
        "byDesign": declared.critical,
        "groupable": declared.groupable,
        "default": show_defaults(declared),
    }


async def mark_type(conn: Any, types: Types, user_id: UUID, name: str, critical: bool | None) -> None:
    """Mark a type as critical, or remove the mark. Raises TypeNotFound, and Invalid for `critical=False` on a
    type that is critical by design."""
    declared = types.get(name)
    if declared is None:
        raise TypeNotFound()
    if declared.critical and critical is False:
        raise Invalid(errors={"critical": [f"{name} is critical by design."]})
    if critical and not declared.critical:
        changed = await sql.preferences.mark_type(conn, type=name, critical=True, user_id=user_id)
    else:
        changed = await sql.preferences.unmark_type(conn, type=name)
    if changed:
        await emit(
            conn,
            "notifications.type_changed",
            actor_id=user_id,
            entity=("notification_type", uuid5(TYPE_IDS, name)),
            payload={"type": name, "critical": bool(critical)},
        )
