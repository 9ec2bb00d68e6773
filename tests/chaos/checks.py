"""The checker: compares ledgers and readers with the database. An empty list means no findings."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from tests.chaos.ledger import Entry
from tests.chaos.readers import Reader, Stream

EXAMPLES = 5


def say(problem: str, examples: Sequence[Any]) -> list[str]:
    """Return a finding with the number of examples and a few of them; an empty list without examples."""
    if not examples:
        return []
    return [f"{problem}: {len(examples)}, such as {', '.join(map(str, examples[:EXAMPLES]))}"]


async def check_writes(conn: Any, entries: Mapping[str, Entry]) -> list[str]:
    """Check that each acknowledged write is there once with its acknowledged id, and no write twice."""
    rows = await conn.fetch(
        "SELECT id, split_part(body, ' ', 1) AS key, body, author_id, post_id FROM comments"
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["key"]].append(row)
    acknowledged = [entry for entry in entries.values() if entry.ids]
    wrong = [
        entry.key
        for entry in acknowledged
        for row in found[entry.key]
        if {row["id"]} != set(entry.ids)
        or (row["body"], row["author_id"], row["post_id"]) != (entry.body, entry.author_id, entry.post_id)
    ]
    return [
        *say("acknowledged and lost", [entry.key for entry in acknowledged if not found[entry.key]]),
        *say("written more than once", [key for key, rows in found.items() if len(rows) > 1]),
        *say("written, but not in a ledger", [key for key in found if key not in entries]),
        *say("not what was acknowledged", wrong),
    ]


async def check_notifications(conn: Any, entries: Mapping[str, Entry]) -> list[str]:
    """Check that each comment has one event, and one notification for each receiver and nobody else."""
    rows = await conn.fetch(
        """
        SELECT
            split_part(c.body, ' ', 1) AS key,
            (SELECT count(*) FROM events WHERE entity_type = 'comment' AND entity_id = c.id) AS events,
            ARRAY(
                SELECT receiver_id FROM notifications WHERE entity_type = 'comment' AND entity_id = c.id
            ) AS receivers
        FROM comments AS c
        """
    )
    missing, extra, twice, events = [], [], [], []
    for row in rows:
        key, entry = row["key"], entries.get(row["key"])
        if entry is None:
            continue
        told = Counter(row["receivers"])
        missing += [f"{key} for {receiver}" for receiver in entry.receivers - told.keys()]
        extra += [f"{key} for {receiver}" for receiver in told.keys() - entry.receivers]
        twice += [f"{key} for {receiver}" for receiver, times in told.items() if times > 1]
        if row["events"] != 1:
            events.append(f"{key} ({row['events']})")
    return [
        *say("notifications missing", missing),
        *say("notifications of the wrong people", extra),
        *say("notifications sent twice", twice),
        *say("comments without exactly one event", events),
    ]


async def check_queue(conn: Any) -> list[str]:
    """Check that the outbox is empty and that there are no dead letters."""
    rows = await conn.fetch("SELECT id, attempts, last_error FROM outbox")
    dead = await conn.fetch("SELECT id, last_error FROM outbox_dead")
    return [*say("rows left in the outbox", rows), *say("dead letters", dead)]


async def check_rooms(conn: Any) -> list[str]:
    """Check that the numbers of each room run from min_seq to last_seq without a gap."""
    rows = await conn.fetch(
        """
        SELECT r.name, r.min_seq, r.last_seq, min(f.seq) AS first, max(f.seq) AS last, count(f.seq) AS frames
        FROM rooms AS r
        LEFT JOIN room_frames AS f ON f.room = r.name
        GROUP BY r.name
        HAVING r.last_seq <> coalesce(max(f.seq), 0) OR count(f.seq) <> r.last_seq - r.min_seq + 1
            OR min(f.seq) <> r.min_seq
        """
    )
    return say("rooms with gaps", [dict(row) for row in rows])


async def check_counters(conn: Any) -> list[str]:
    """Check that unread and comment counters equal a count of their rows."""
    unread = await conn.fetch(
        """
        SELECT u.username, coalesce(c.unread, 0) AS counter, count(n.id) AS rows
        FROM users AS u
        LEFT JOIN notification_counters AS c ON c.user_id = u.id
        LEFT JOIN notifications AS n ON n.receiver_id = u.id AND NOT n.is_read AND n.archived_at IS NULL
        GROUP BY u.username, c.unread
        HAVING coalesce(c.unread, 0) <> count(n.id)
        """
    )
    comments = await conn.fetch(
        """
        SELECT s.post_id, s.comment_count, count(c.id) AS rows
        FROM post_stats AS s
        LEFT JOIN comments AS c ON c.post_id = s.post_id AND c.body IS NOT NULL
        GROUP BY s.post_id
        HAVING s.comment_count <> count(c.id)
        """
    )
    return [
        *say("unread counters that are wrong", [dict(row) for row in unread]),
        *say("comment counters that are wrong", [dict(row) for row in comments]),
    ]


async def check_stream(conn: Any, stream: Stream, known: set[str], created: str) -> list[str]:
    """Check that a reader showed the room's frames in order, once, to the end, and saw exactly `known`."""
    frames = await conn.fetch(
        """
        SELECT seq, event, CASE WHEN members = '{}' THEN data ->> 'id' ELSE entity_id::text END AS id
        FROM room_frames
        WHERE room = $1
        ORDER BY seq
        """,
        stream.room,
    )
    held = {row["seq"]: (row["event"], row["id"]) for row in frames}
    seqs = [frame.seq for frame in stream.shown]
    fresh = [seq for seq in seqs if seq > stream.since]
    shown_ids = Counter(frame.id for frame in stream.shown if frame.event == created)
    seen = stream.state | {
        str(frame.id) for frame in stream.shown if frame.event == created and frame.seq > stream.since
    }
    last = max(held, default=0)
    findings = [
        *say("shown out of order", [seq for before, seq in itertools.pairwise(seqs) if seq <= before]),
        *say("shown twice", [key for key, times in shown_ids.items() if times > 1]),
        *say(
            "shown, but not what the room holds",
            [frame for frame in stream.shown if held.get(frame.seq) != (frame.event, frame.id)],
        ),
        *say("frames missed", sorted({seq for seq in held if seq > stream.since} - set(fresh))),
        *say("never seen", sorted(known - seen)),
        *say("seen, but not in the database", sorted(seen - known)),
        *say("behind", [] if (stream.seq or 0) == last else [f"at {stream.seq} of {last}"]),
        *stream.problems[:EXAMPLES],
    ]
    return [f"{stream.room}: {finding}" for finding in findings]


async def list_ids(conn: Any, query: str, key: UUID) -> set[str]:
    """Return the ids that a query finds."""
    return {str(row["id"]) for row in await conn.fetch(query, key)}


SAID = {
    "post": "SELECT id FROM comments WHERE post_id = $1",
    "conversation": "SELECT id FROM messages WHERE conversation_id = $1",
}


async def check_reader(conn: Any, reader: Reader) -> list[str]:
    """Check both rooms of a reader, its unread count, and the problems it noted itself."""
    told = await list_ids(conn, "SELECT id FROM notifications WHERE receiver_id = $1", reader.person.id)
    said = await list_ids(conn, SAID[reader.kind], UUID(reader.subject_id))
    unread = await conn.fetchval(
        "SELECT unread FROM notification_counters WHERE user_id = $1", reader.person.id
    )
    return [
        *await check_stream(conn, reader.own, told, "notification:created"),
        *await check_stream(conn, reader.other, said, reader.shows),
        *([f"shows {reader.unread} unread of {unread or 0}"] if reader.unread != (unread or 0) else []),
        *reader.problems[:EXAMPLES],
    ]


async def check_readers(conn: Any, readers: Iterable[Reader]) -> list[str]:
    """Check all readers; each finding names its reader."""
    return [
        f"reader {number} ({reader.person.username}): {finding}"
        for number, reader in enumerate(readers)
        for finding in await check_reader(conn, reader)
    ]


async def check_database(conn: Any, entries: Mapping[str, Entry]) -> list[str]:
    """Run every check that needs nothing but the database and the ledgers."""
    return [
        *await check_writes(conn, entries),
        *await check_notifications(conn, entries),
        *await check_queue(conn),
        *await check_rooms(conn),
        *await check_counters(conn),
    ]
