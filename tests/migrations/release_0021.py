"""A database as release 0021 left it: people, posts, and copies of their texts in all places."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from nexcorp.db.migrations import FOLDER, list_files


def copy_steps(folder: Path, last: str) -> Path:
    """Create a folder with the migrations up to number `last`; return it."""
    folder.mkdir()
    for name in list_files():
        if name[:4] <= last:
            for suffix in (".sql", ".rollback.sql"):
                shutil.copy(FOLDER / f"{name}{suffix}", folder)
    return folder


ANN, BOB, POST, PLAIN, COMMENT, REPLY, GONE, GONE_POST, UPLOAD, GONE_UPLOAD = (
    UUID(f"01900000-0000-7000-8000-0000000000{number:02}") for number in range(1, 11)
)
# One word for each text, and for each name of a person or thing.
WORDS = (
    *("annchovy", "bobolink"),
    *("titleword", "bodyword", "plainword", "commentword", "replyword", "goneword"),
)
CALLED = ("devicename", "keyname", "filename", "githubname")
MANY = 5200

FILL = f"""
INSERT INTO users (id, email, username, first_name) VALUES
('{ANN}', 'annchovy@example.com', 'annchovy', 'Annchovy'),
('{BOB}', 'bobolink@example.com', 'bobolink', NULL);
INSERT INTO posts (id, position, author_id, type, status, title, body) VALUES
('{POST}', '{POST}', '{ANN}', 'project', 'open', 'Titleword', 'Bodyword for @bobolink.'),
('{PLAIN}', '{PLAIN}', '{ANN}', 'normal', NULL, NULL, 'Plainword.');
INSERT INTO comments (id, post_id, author_id, parent_id, body) VALUES
('{COMMENT}', '{POST}', '{BOB}', NULL, 'Commentword.'),
('{REPLY}', '{POST}', '{ANN}', '{COMMENT}', 'Replyword.');
INSERT INTO likes (post_id, user_id) VALUES ('{POST}', '{BOB}'), ('{PLAIN}', '{BOB}'), ('{PLAIN}', '{ANN}');
INSERT INTO interests (post_id, user_id) VALUES ('{POST}', '{BOB}');
INSERT INTO uploads (id, owner_id, store, store_key, name, type, bytes, url, arrived_at, removed_at) VALUES
('{UPLOAD}', '{ANN}', 'local', 'one.pdf', 'a.pdf', 'application/pdf', 1, '', now(), NULL),
('{GONE_UPLOAD}', '{ANN}', 'local', 'two.pdf', 'b.pdf', 'application/pdf', 1, '', now(), now());
INSERT INTO posts (id, author_id, type, status, body)
SELECT uuidv7(), '{BOB}', 'announcement', 'draft', 'Draft ' || n FROM generate_series(1, {MANY}) AS n;
UPDATE posts AS p
SET
    like_count = (SELECT count(*) FROM likes AS l WHERE l.post_id = p.id),
    comment_count = (SELECT count(*) FROM comments AS c WHERE c.post_id = p.id),
    interest_count = (SELECT count(*) FROM interests AS t WHERE t.post_id = p.id)
WHERE p.position IS NOT NULL;
INSERT INTO notifications (receiver_id, event_id, actor_id, type, title, message, post_id)
SELECT '{BOB}', uuidv7(), '{ANN}', 'announcement', '{{actor}} announced something', 'Plainword.', '{PLAIN}'
FROM generate_series(1, {MANY});
INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, created_at)
SELECT
    'post.liked', '{BOB}', 'post', '{PLAIN}',
    '{{"authorId": "{ANN}", "excerpt": "Plainword.", "likeCount": 1}}', '{{}}',
    now() - n * interval '1 hour'
FROM generate_series(1, {MANY}) AS n;
"""  # noqa: S608

# (type, title, message, post, comment) of Ann's notifications about Bob's actions and about her account.
NOTICES: list[tuple[str, str, str, UUID | None, UUID | None]] = [
    ("like", "{actor} liked your post", "Titleword", POST, None),
    ("interest", "{actor} is interested in your project", "Titleword", POST, None),
    ("comment", "{actor} commented on your post", "Commentword.", POST, COMMENT),
    ("comment", "{actor} replied to your comment", "Replyword.", POST, REPLY),
    ("mention", "{actor} mentioned you", "Bodyword for @bobolink.", POST, None),
    ("mention", "{actor} mentioned you", "Commentword.", POST, COMMENT),
    ("follow", "{actor} follows you", "", None, None),
    ("announcement", "{actor} announced something", "Plainword.", PLAIN, None),
    ("project_status", "{actor} moved a project", "Titleword: open -> in_progress", POST, None),
    ("assignment", "{actor} assigned a project to you", "Titleword", POST, None),
    ("assignment", "{actor} assigned your project", "Titleword", POST, None),
    ("assignment", "{actor} left your project to nobody", "Titleword", POST, None),
    ("assignment", "{actor} took a project from you", "Titleword", POST, None),
    # The subject was deleted: first the comment alone, then the post.
    ("comment", "{actor} commented on your post", "", POST, None),
    ("like", "{actor} liked your post", "", None, None),
    *(
        ("security", title, message, None, None)
        for title, message in (
            (
                "An API key was made",
                "A program can act for you with it. If this was not you, revoke it and change your password.",
            ),
            (
                "A device was signed out for your safety",
                "Its sign-in was used from two places. If you do not know why, change your password.",
            ),
            (
                "Your password was changed",
                "All other devices were signed out. If this was not you, reset your password now.",
            ),
            (
                "Your password was reset",
                "All devices were signed out. If this was not you, tell your administrator.",
            ),
            (
                "Your e-mail address was changed",
                "Sign in with the new one. If this was not you, tell your administrator.",
            ),
            (
                "An account elsewhere opens yours",
                "It was linked to sign in with. If this was not you, remove it and change your password.",
            ),
        )
    ),
]
INSERT_NOTICE = """
INSERT INTO notifications (receiver_id, event_id, actor_id, type, title, message, post_id, comment_id)
VALUES (%s, uuidv7(), %s, %s, %s, %s, %s, %s)
"""
# Rows in the form that frames and events have.
SHOW = {
    "post": "SELECT to_jsonb(i) - '_authorId' - '_position' FROM post_items AS i WHERE i.id = %s",
    "comment": """
        SELECT jsonb_build_object(
            'id', c.id, 'postId', c.post_id, 'parentId', c.parent_id, 'body', c.body, 'author', person(u),
            'version', c.version, 'createdAt', c.created_at, 'updatedAt', c.updated_at
        )
        FROM comments AS c
        INNER JOIN users AS u ON u.id = c.author_id
        WHERE c.id = %s
    """,
    "notification": "SELECT to_jsonb(i) - '_receiverId' FROM notification_items AS i WHERE i.id = %s",
}


def show(conn: psycopg.Connection, kind: str, entity_id: UUID) -> dict[str, Any]:
    """Return a post, comment or notification as release 0021 shows it."""
    row = conn.execute(SHOW[kind].encode(), (entity_id,)).fetchone()
    assert row is not None
    shown: dict[str, Any] = row[0]
    return shown


def list_frames(conn: psycopg.Connection) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (room, event, data) of frames of every kind, complete and with texts removed."""
    post, comment, reply = (
        show(conn, "post", POST),
        show(conn, "comment", COMMENT),
        show(conn, "comment", REPLY),
    )
    gone = {**comment, "id": str(GONE), "body": "Goneword."}
    rooms = post_room, profile, own = f"post:{POST}", f"profile:{ANN}", f"user:{ANN}"
    told = [row[0] for row in conn.execute("SELECT id FROM notifications WHERE receiver_id = %s", (ANN,))]
    assert len(rooms) == 3 and len(told) == len(NOTICES)
    return [
        (post_room, "post:updated", post),
        (post_room, "post:updated", {"id": str(POST), "interestCount": 1}),
        # The post was edited later, so only its id was left.
        (post_room, "post:updated", {"id": str(POST)}),
        (post_room, "post:liked", {"postId": str(POST), "userId": str(BOB), "liked": True, "likeCount": 1}),
        (post_room, "comment:created", {**comment, "commentCount": 2}),
        (post_room, "comment:created", {**reply, "commentCount": 2}),
        (post_room, "comment:updated", comment),
        (post_room, "comment:updated", {"id": str(COMMENT), "postId": str(POST)}),
        (post_room, "comment:created", {**gone, "commentCount": 2}),
        # The comment was deleted later.
        (post_room, "comment:deleted", {"id": str(GONE), "postId": str(POST)}),
        (
            post_room,
            "comment:deleted",
            {"id": str(GONE), "postId": str(POST), "replyIds": [str(GONE_POST)], "commentCount": 2},
        ),
        (profile, "post:created", post),
        (profile, "post:updated", show(conn, "post", PLAIN)),
        (profile, "post:created", {**post, "id": str(GONE_POST), "body": "Goneword."}),
        (profile, "post:deleted", {"id": str(GONE_POST)}),
        *((own, "notification:created", show(conn, "notification", one)) for one in told),
        (own, "notification:updated", show(conn, "notification", told[0])),
        (own, "notification:created", {**show(conn, "notification", told[0]), "id": str(GONE)}),
        (own, "notification:deleted", {"id": str(GONE)}),
        (own, "notifications:bulk-updated", {"isRead": True, "updated": 3}),
    ]


def list_events(conn: psycopg.Connection) -> list[tuple[str, str, UUID, dict[str, Any]]]:
    """Return (type, entity type, entity id, payload) of events that hold texts or names."""
    post, comment = show(conn, "post", POST), show(conn, "comment", COMMENT)
    (told,) = (
        conn.execute("SELECT id FROM notifications WHERE receiver_id = %s LIMIT 1", (ANN,)).fetchone() or ()
    )
    author = {"authorId": str(ANN)}
    return [
        ("post.created", "post", POST, {**author, "post": post, "mentionedIds": [str(BOB)]}),
        ("post.moved", "post", POST, {**author, "post": post, "from": "open", "to": "in_progress"}),
        ("comment.created", "comment", COMMENT, {"postId": str(POST), "comment": comment, "commentCount": 1}),
        ("notification.updated", "notification", told, {"notification": show(conn, "notification", told)}),
        ("user.registered", "user", ANN, {"userId": str(ANN), "username": "annchovy", "role": "member"}),
        ("user.logged_in", "user", ANN, {"userId": str(ANN), "device": "devicename", "platform": "cli"}),
        ("api_key.created", "api_key", GONE, {"userId": str(ANN), "name": "keyname", "scopes": []}),
        ("upload.created", "upload", GONE, {"name": "filename.png", "type": "image/png", "bytes": 1}),
        (
            "identity.linked",
            "user",
            ANN,
            {"userId": str(ANN), "provider": "github", "username": "githubname"},
        ),
    ]


def list_answers(conn: psycopg.Connection) -> list[tuple[str, dict[str, Any], str | None]]:
    """Return (key, body, location) of stored answers; those whose keys say "gone" show deleted rows."""
    post, comment = show(conn, "post", POST), show(conn, "comment", COMMENT)
    return [
        ("post", post, f"/api/v1/posts/{POST}"),
        ("gone post", {**post, "id": str(GONE_POST), "body": "Goneword."}, f"/api/v1/posts/{GONE_POST}"),
        ("comment", comment, None),
        ("gone comment", {**comment, "id": str(GONE), "body": "Goneword."}, None),
        ("upload", {"id": str(UPLOAD)}, f"/api/v1/uploads/{UPLOAD}"),
        ("gone upload", {"id": str(GONE_UPLOAD), "name": "Goneword."}, f"/api/v1/uploads/{GONE_UPLOAD}"),
        ("registration", {"user": {"id": str(ANN)}}, f"/api/v1/users/{ANN}"),
        ("read", {"updated": 3}, None),
    ]


def fill(conn: psycopg.Connection) -> list[tuple[str, int, str, dict[str, Any]]]:
    """Fill a database at 0021; return (room, seq, event, data) of the frames in it."""
    conn.execute(FILL.encode())
    with conn.cursor() as cursor:
        for kind, title, message, post, comment in NOTICES:
            actor = None if kind == "security" else BOB
            cursor.execute(INSERT_NOTICE, (ANN, actor, kind, title, message, post, comment))
        cursor.executemany(
            "INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata)"
            " VALUES (%s, %s, %s, %s, %s, '{}')",
            [(kind, BOB, entity, one, Jsonb(payload)) for kind, entity, one, payload in list_events(conn)],
        )
        cursor.execute(
            "INSERT INTO outbox (event_id, event_at)"
            " SELECT id, created_at FROM events WHERE type = 'comment.created'"
        )
        cursor.executemany(
            "INSERT INTO idempotency_keys (scope, key, fingerprint, status, body, location)"
            " VALUES ('any', %s, 'x', 201, convert_to(%s::jsonb::text, 'UTF8'), %s)",
            [(key, Jsonb(body), location) for key, body, location in list_answers(conn)],
        )
        numbered: list[tuple[str, int, str, dict[str, Any]]] = []
        for room, event, data in list_frames(conn):
            seq = 1 + sum(other == room for other, *_ in numbered)
            numbered.append((room, seq, event, data))
        cursor.executemany(
            "INSERT INTO room_frames (room, seq, event_id, frame) VALUES (%s, %s, uuidv7(), %s)",
            [(room, seq, Jsonb({"event": event, "data": data})) for room, seq, event, data in numbered],
        )
        cursor.execute(
            "INSERT INTO rooms (name, last_seq) SELECT room, max(seq) FROM room_frames GROUP BY room"
        )
    return numbered
