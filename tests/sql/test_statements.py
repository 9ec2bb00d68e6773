"""Every statement of sql/ against the migrated schema, and who may write what."""

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
# What is written to one table by one file, seen by what it says: a counter belongs to what it counts.
GUESTS = {
    # Delivery moves a room on; the cleanup says from where on it is kept.
    ("rooms", "min_seq"): "realtime",
    # The number of a project's newest task.
    ("projects", "task_number"): "tasks",
    # A message is the newest of its conversation, and moves it up in lists; the oldest go.
    ("conversations", "last_n"): "messages",
    ("conversations", "position"): "messages",
    ("conversations", "min_n"): "messages",
    # What a file holds is its newest version.
    ("files", "content_version"): "file_versions",
    ("files", "bytes"): "file_versions",
    # How far its log has come, and what the first update says of it.
    ("file_docs", "last_seq"): "collab",
    ("file_docs", "root"): "collab",
    ("file_docs", "edited_at"): "collab",
    # How far a text is settled, and which worker does so.
    ("file_docs", "settled_seq"): "settling",
    ("file_docs", "lease_until"): "settling",
    # Which tasks come again, and when the next reminder of one is due.
    ("tasks", "series_id"): "task_series",
    ("tasks", "occurrence"): "task_series",
    ("tasks", "remind_at"): "task_reminders",
    ("post_stats", "like_count"): "reactions",
    ("post_stats", "comment_count"): "comments",
    ("post_stats", "interest_count"): "reactions",
    # A mail server refused it; a trigger takes that back when the address is proved anew.
    ("users", "email_bounced_at"): "deliveries",
    # auth.sql has the account and what opens it, users.sql the person.
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
# Files that are one with another: what is written of its tables did not fit into a file.
PARTS = {
    "telling": "notifications",
    "aging": "notifications",
    "ai_answers": "ai_chats",
    "webhooks_sending": "webhooks",
}
# No query, so there is nothing to prepare: it is pasted as it is.
UTILITIES = {"service.vacuum_all"}
# Whoever changes the row says when; the score moves with each counter, in the same statement.
SHARED = {
    ("users", "updated_at"),
    ("files", "updated_at"),
    # A new content, and what is purged with its file.
    ("projects", "file_bytes"),
    # Set by who types, cleared by who settles it.
    ("file_docs", "dirty_since"),
    ("post_stats", "score"),
    ("post_stats", "least_score"),
    # Who writes has read what was written before.
    ("conversation_members", "read_n"),
    ("conversation_members", "delivered_n"),
    # A digest is made where its time is moved on.
    ("notification_settings", "next_digest_at"),
}
# Tables that one statement of another file writes as well, and why.
WRITES = {
    # A delivery is one statement: notifications, counters, and the frames that show them.
    ("notifications", "rooms"),
    ("notifications", "room_frames"),
    # A snapshot takes the place of updates, in one statement.
    ("settling", "file_updates"),
}
# A stored answer is blanked by the statement that removes what it shows; its key stays.
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
    """A statement on one line, without comments, strings, and what stands in parentheses of a SET."""
    return " ".join(STRING.sub("''", COMMENT.sub(" ", text)).split())


def flat(text: str) -> str:
    """Without anything in parentheses or CASE ... END, where commas and FROM mean other things."""
    while True:
        shorter = re.sub(r"\([^()]*\)", "", re.sub(r"\bCASE\b(?:(?!\bCASE\b).)*?\bEND\b", "", text))
        if shorter == text:
            return text
        text = shorter


def until_closed(text: str) -> str:
    """The text up to the parenthesis that closes the query it is in."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return text[:place]
    return text


def updated_columns(text: str) -> list[tuple[str, str]]:
    """(table, column) of every UPDATE in a statement, those inside of WITH as well."""
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
            # A function that returns nothing still makes a column, of type void.
            columns = [column for column in prepared.get_attributes() if column.type.name != "void"]
            assert (len(columns) == 0) == (statement.kind == "exec"), statement
            if statement.kind == "value":
                assert len(columns) == 1, statement


def written_statements() -> Iterator[tuple[str, str]]:
    """Each statement's name and its text as it stands in its file, up to the next header."""
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
    """`RETURNING old.x` is of PostgreSQL 18, and 15 is promised: a subquery that locks says how a row was."""
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
