"""Every statement of sql/ against the migrated schema, and which file may write which table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from nexcorp.config import REPOSITORY
from nexcorp.db import Database, sql
from nexcorp.db.schema_files import SCHEMA, split_statements

COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r"'[^']*'")
INSERT = re.compile(r"\bINSERT INTO (\w+)(?: AS (\w+))?")
DELETE = re.compile(r"\bDELETE FROM (\w+)")
UPDATE = re.compile(r"(?<!DO )(?<!FOR )(?<!KEY )\bUPDATE (\w+)(?: AS \w+)? SET\b")
COLUMN = re.compile(r"(?:^|,)\s*(\w+)\s*=")
# Columns of one table that another file writes: a counter belongs to the rows it counts.
GUESTS = {
    # Delivery increases last_seq; the cleanup sets the first number that is kept.
    ("rooms", "min_seq"): "realtime",
    # The number of a project's newest task.
    ("projects", "task_number"): "tasks",
    # A new message is the conversation's newest and moves it up in lists; the cleanup deletes the oldest.
    ("conversations", "last_n"): "messages",
    ("conversations", "position"): "messages",
    ("conversations", "min_n"): "messages",
    # A file's content is that of its newest version.
    ("files", "content_version"): "file_versions",
    ("files", "bytes"): "file_versions",
    # The length of its log, and the values that its first update sets.
    ("file_docs", "last_seq"): "collab",
    ("file_docs", "root"): "collab",
    ("file_docs", "edited_at"): "collab",
    # The number up to which a text is settled, and the lease of the worker that settles it.
    ("file_docs", "settled_seq"): "settling",
    ("file_docs", "lease_until"): "settling",
    # The recurrence of tasks, and when their next reminder is due.
    ("tasks", "series_id"): "task_series",
    ("tasks", "occurrence"): "task_series",
    ("tasks", "remind_at"): "task_reminders",
    ("post_stats", "like_count"): "reactions",
    ("post_stats", "comment_count"): "comments",
    ("post_stats", "interest_count"): "reactions",
    # A mail server refused the address; a trigger resets this when the address is verified again.
    ("users", "email_bounced_at"): "deliveries",
    # auth.sql writes the account and its credentials, users.sql the person.
    **{
        ("users", column): "users"
        for column in (
            "username",
            "first_name",
            "last_name",
            "job_title",
            "department",
            "location",
            "bio",
            "phone",
            "avatar_url",
            "version",
            "role",
            "status",
            "left_at",
        )
    },
}
# Files that continue another one, which was too long: they write the same tables.
PARTS = {
    "telling": "notifications",
    "aging": "notifications",
    "ai_answers": "ai_chats",
    "webhooks_sending": "webhooks",
}
# Cannot be prepared, so it is run as it is.
UTILITIES = {"service.vacuum_all"}
# Every file that changes the row sets this; the score changes with each counter in the same statement.
SHARED = {
    ("users", "updated_at"),
    ("files", "updated_at"),
    # Changed by a new content, and by the purge of a file.
    ("projects", "file_bytes"),
    # Set by the editor, cleared by the worker that settles.
    ("file_docs", "dirty_since"),
    ("post_stats", "score"),
    ("post_stats", "least_score"),
    # Whoever writes has read all earlier messages.
    ("conversation_members", "read_n"),
    ("conversation_members", "delivered_n"),
    # The statement that makes a digest also sets the time of the next one.
    ("notification_settings", "next_digest_at"),
}
# Tables that one statement of another file writes as well, and the reason.
WRITES = {
    # A delivery is one statement: notifications, counters, and the frames that show them.
    ("notifications", "rooms"),
    ("notifications", "room_frames"),
    # A snapshot replaces updates in one statement.
    ("settling", "file_updates"),
}
# The statement that removes a row also clears the stored answers that show it; their keys stay.
BLANKED = {("idempotency_keys", "body"), ("idempotency_keys", "location")}
BLANKING = {
    "checklists",
    "comments",
    "conversations",
    "files",
    "labels",
    "leads",
    "messages",
    "posts",
    "projects",
    "task_views",
    "ai_chats",
    "tasks",
    "uploads",
}


def plain(text: str) -> str:
    """Return a statement on one line, without comments, and with empty strings."""
    return " ".join(STRING.sub("''", COMMENT.sub(" ", text)).split())


def flat(text: str) -> str:
    """Remove everything in parentheses or CASE ... END, where commas and FROM have other meanings."""
    while True:
        shorter = re.sub(r"\([^()]*\)", "", re.sub(r"\bCASE\b(?:(?!\bCASE\b).)*?\bEND\b", "", text))
        if shorter == text:
            return text
        text = shorter


def until_closed(text: str) -> str:
    """Return the text up to the parenthesis that closes the query it is in."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return text[:place]
    return text


def updated_columns(text: str) -> list[tuple[str, str]]:
    """Return (table, column) of every UPDATE in a statement, including those in WITH."""
    found, line = [], plain(text)
    for match in UPDATE.finditer(line):
        rest = flat(until_closed(line[match.end() :]))
        assignments = re.split(r"\b(?:FROM|WHERE|RETURNING)\b", rest)[0]
        found += [(match[1], column) for column in COLUMN.findall(assignments)]
    return found


async def test_every_statement_prepares(database: Database) -> None:
    async with database.connection() as conn:
        for statement in sql:
            prepared = await conn.prepare(statement.text)
            assert len(prepared.get_parameters()) == len(statement.args), statement
            # A function that returns nothing has a column of type void.
            columns = [column for column in prepared.get_attributes() if column.type.name != "void"]
            assert (len(columns) == 0) == (statement.kind == "exec"), statement
            if statement.kind == "value":
                assert len(columns) == 1, statement


def written_statements() -> Iterator[tuple[str, str]]:
    """Yield each statement's name and its text in the file, up to the next header."""
    for path in sorted((REPOSITORY / "sql").glob("*.sql")):
        for block in path.read_text().split("-- name: ")[1:]:
            header, _, text = block.partition("\n")
            yield f"{path.stem}.{header.partition('(')[0]}", text.strip()


async def test_every_statement_can_be_pasted_into_psql(database: Database) -> None:
    written = list(written_statements())
    assert len(written) == len(list(sql))
    async with database.connection() as conn:
        for name, text in written:
            assert text.endswith(";"), f"{name} has no end"
            assert len(list(split_statements(text))) == 1, f"{name} ends twice"
            await conn.execute(text if name in UTILITIES else f"PREPARE pasted AS {text} DEALLOCATE pasted")


async def test_columns_are_named_once_and_as_the_api_does(database: Database) -> None:
    async with database.connection() as conn:
        for name in ("posts", "comments", "reactions", "follows", "notifications", *PARTS):
            for statement in sql.features[name].statements.values():
                names = [column.name for column in (await conn.prepare(statement.text)).get_attributes()]
                assert len(names) == len(set(names)), statement
                assert statement.kind == "value" or "?column?" not in names, statement


def test_every_statement_says_what_it_is() -> None:
    for statement in sql:
        _, first, *_ = statement.text.splitlines()
        assert first.startswith("-- "), f"{statement} has no comment"
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", statement.name)


def test_no_statement_returns_the_row_before_as_only_new_servers_can() -> None:
    """`RETURNING old.x` needs PostgreSQL 18, but 15 is supported: a locking subquery returns the old row."""
    for statement in sql:
        text = re.sub(r"--.*", "", statement.text)
        for name in ("old", "new"):
            if re.search(rf"\bRETURNING\b[^;]*?\b{name}\.", text):
                assert re.search(rf"\b{name} AS\b", text), statement


def test_rows_of_a_table_are_written_by_one_file() -> None:
    writers: dict[str, set[str]] = defaultdict(set)
    for part, feature in sql.features.items():
        name = PARTS.get(part, part)
        for statement in feature.statements.values():
            for pattern in (INSERT, DELETE):
                for match in pattern.finditer(plain(statement.text)):
                    writers[match[1]].add(name)
    assert {(name, table) for name, table in WRITES if name in writers[table]} == WRITES
    for name, table in WRITES:
        writers[table].discard(name)
    assert len(writers) >= 12
    assert {table: names for table, names in writers.items() if len(names) > 1} == {}


def test_a_column_is_changed_by_one_file() -> None:
    writers: dict[tuple[str, str], set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for part, feature in sql.features.items():
        name = PARTS.get(part, part)
        for statement in feature.statements.values():
            for match in INSERT.finditer(plain(statement.text)):
                owners[match[1]].add(name)
            for table, column in updated_columns(statement.text):
                writers[table, column].add(name)
    # A function of sql/schema/events.sql fills the queue.
    (queue,) = (path for path in SCHEMA.glob("*.sql") if "INSERT INTO outbox" in path.read_text())
    owners["outbox"].add(queue.stem)
    assert writers["posts", "title"] == {"posts"}
    assert len(writers) >= 25
    for (table, column), names in writers.items():
        if (table, column) in SHARED:
            continue
        expected = {GUESTS[table, column]} if (table, column) in GUESTS else owners[table]
        if (table, column) in BLANKED:
            expected = expected | BLANKING
        assert names == expected, f"{table}.{column} is changed by {names}, its owner is {expected}"
    for column, owner in GUESTS.items():
        assert writers[column] == {owner}
