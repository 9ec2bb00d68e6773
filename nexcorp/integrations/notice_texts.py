"""Mails and pushes of notifications: their texts, and the headers for sorting and unsubscribing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nexcorp.integrations.mail_messages import Item, Mail, write_line

MAX_ITEMS = 50
DIGESTS = {"hourly": "Your hourly digest", "daily": "Your daily digest"}
SUMMARY = "While you were away"
# Reasons for choosing the receiver, continuing "You get this mail because".
REASONS = {
    "mentioned": "you were mentioned",
    "author": "it is about something that you wrote",
    "assignee": "it is about a project that is, or was, assigned to you",
    "watcher": "you take part in what it is about",
    "followed": "you are the one who is followed",
    "permission": "your role has to do with it",
    "everyone": "it is for everyone",
    "account": "it concerns your account",
}
ANY_REASON = "your settings ask for it"


def link_to(base: str, notification_id: Any) -> str:
    """Return the link of a mail or a push: a stable address of this service, wherever the console moves."""
    return f"{base}/n/{notification_id}"


def list_threads(shown: Mapping[str, Any], host: str) -> list[str]:
    """Return ids of messages that do not exist, by which mailboxes group mails into threads: the post, then
    the entity within it."""
    entity, post_id = shown["entity"], shown["postId"]
    found = [f"<post.{post_id}@{host}>"] if post_id is not None else []
    if entity is not None and entity["id"] != post_id:
        found.append(f"<{entity['type']}.{entity['id']}@{host}>")
    return found


def list_headers(type: str, host: str, unsubscribe: str | None) -> list[tuple[str, str]]:
    """Return the headers that name a mail's list, and unsubscribe by one click (RFC 2919, 2369, 8058)."""
    headers = [("List-Id", f"<{type}.notifications.{host}>")]
    if unsubscribe is not None:
        headers += [
            ("List-Unsubscribe", f"<{unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    return headers


def write_notice(
    shown: Mapping[str, Any], *, why: str | None, address: str, base: str, host: str, unsubscribe: str | None
) -> Mail:
    """Return the mail of one notification, `shown` as its receiver sees it in the list.

    `why`: the code of the reason for choosing the receiver. `host`: the domain of the sender. `unsubscribe`:
    the link that ends mails of its type; None for a type that cannot be ended.
    """
    threads = list_threads(shown, host)
    headers = list_headers(shown["type"], host, unsubscribe)
    if threads:
        headers += [("References", " ".join(threads)), ("In-Reply-To", threads[-1])]
    paragraphs = [write_line(shown["title"], 500)]
    if shown["message"]:
        paragraphs.append(shown["message"])
    reason = REASONS.get(why or "", ANY_REASON)
    notes: list[tuple[str, str | None]] = [(f"You get this mail because {reason}.", None)]
    if unsubscribe is not None:
        notes.append(("No more mails of this kind", unsubscribe))
    return Mail(
        f"n.{shown['id']}",
        address,
        write_line(shown["title"]),
        tuple(paragraphs),
        link_to(base, shown["id"]),
        "Show it",
        notes=tuple(notes),
        headers=tuple(headers),
    )


def name_bundle(bundle: str, count: int) -> str:
    """Return the title of a digest or summary of `count` notifications; `bundle` begins with its kind."""
    news = f"{count} notification" + ("s" if count != 1 else "")
    return f"{DIGESTS.get(bundle.partition('.')[0], SUMMARY)}: {news}"


def write_bundle(
    bundle: str,
    several: Sequence[Mapping[str, Any]],
    *,
    address: str,
    base: str,
    host: str,
    type: str,
    unsubscribe: str,
) -> Mail:
    """Return one mail of several notifications, the newest first. `type`: their common type, or "all"."""
    title = name_bundle(bundle, len(several))
    items = tuple(
        Item(write_line(one["title"], 500), one["message"], link_to(base, one["id"]))
        for one in several[:MAX_ITEMS]
    )
    paragraphs = [f"{title}."]
    if len(several) > MAX_ITEMS:
        paragraphs.append(
            f"The newest {MAX_ITEMS} are here, and {len(several) - MAX_ITEMS} more in your list."
        )
    return Mail(
        bundle,
        address,
        title,
        tuple(paragraphs),
        items=items,
        notes=(
            ("You get this mail because your settings ask for it.", None),
            ("No more mails" if type == "all" else "No more mails of this kind", unsubscribe),
        ),
        headers=tuple(list_headers(type, host, unsubscribe)),
    )


def cut(text: str, most: int) -> str:
    """Return the beginning of a text in at most `most` bytes of UTF-8, with an ellipsis if it was cut and
    there is room for one."""
    raw, end = text.encode(), "…"
    room = most - len(end.encode())
    if len(raw) <= most:
        return text
    return raw[:room].decode(errors="ignore") + end if room >= 0 else ""


def write_push(
    shown: Mapping[str, Any],
    *,
    unread: int,
    base: str,
    tag: str,
    most: int,
    title: str | None = None,
) -> bytes:
    """Return the push of a notification: JSON of at most `most` bytes, for which message and title are cut.

    `title`: instead of its own, for a summary of several; `tag`: a later push replaces one with the same.
    """
    summary = title is not None
    payload: dict[str, Any] = {
        "type": "summary" if summary else shown["type"],
        "title": cut(write_line(title or shown["title"], 500), 800),
        "message": "" if summary else shown["message"],
        "tag": tag,
        "url": f"{base}/n" if summary else link_to(base, shown["id"]),
        "notificationId": None if summary else shown["id"],
        "entity": None if summary else shown["entity"],
        "unreadCount": unread,
    }
    body = msgspec.json.encode(payload)
    for name in ("message", "title"):
        while (text := payload[name]) and len(body) > most:
            # Quotes and line feeds take more bytes in JSON than in the text.
            payload[name] = cut(text, len(text.encode()) - max(4, (len(body) - most) // 2))
            body = msgspec.json.encode(payload)
    return body
