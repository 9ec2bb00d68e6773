"""Collaborative editing: latency for editors, its cost, and the same work in plain pycrdt and INSERTs."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import psycopg
from pycrdt import Doc, Text

from bench import editors
from bench.editors import Site, make_updates
from bench.remote import Remote, remote
from bench.stage import ANYWHERE, QUICK, Stage, read_rss_kib
from bench.table import Figure, median, percentile
from nexcorp.db import Database, sql
from workers.settling import Settler

PEOPLE = 50
KEYSTROKES = 5_000
ROWS = 2_000
COLD_BYTES = 1_900_000
AIM_SAME_MS = 2.0
# The floor's table: an update log without sequence numbers, locks and document state.
PLAIN = """
CREATE TABLE IF NOT EXISTS bench_plain (LIKE file_updates INCLUDING DEFAULTS, PRIMARY KEY (file_id, seq))
"""
INSERT = "INSERT INTO bench_plain (file_id, seq, author_id, node, update) VALUES ($1, $2, $3, 1, $4)"
MAKE = """
WITH project AS (INSERT INTO projects (name) VALUES ('Bench') RETURNING id),
members AS (
    INSERT INTO project_members (project_id, user_id, role)
    SELECT p.id, u.id, 'editor' FROM project AS p, bench_users AS u WHERE u.n <= 50
),
made AS (
    INSERT INTO files (project_id, path, kind, type)
    SELECT id, 'file ' || gen_random_uuid(), 'text', 'text/plain' FROM project, generate_series(1, %s)
    RETURNING id
)
INSERT INTO file_docs (file_id) SELECT id FROM made RETURNING file_id
"""
FILL = """
WITH snapshot AS (
    INSERT INTO file_snapshots (file_id, seq, state) SELECT f, 1, %s FROM unnest(%s::uuid[]) AS f
)
UPDATE file_docs SET last_seq = 1, settled_seq = 1 WHERE file_id = ANY(%s::uuid[])
"""


def make_state(size: int) -> bytes:
    """The state of a document whose text of `size` bytes was pasted at once."""
    doc: Doc[Any] = Doc()
    doc.get("content", type=Text).insert(0, "0123456789abcde\n" * (size // 16))
    return doc.get_update()


def hold_plain(state: bytes, count: int) -> float:
    """KiB per document that pycrdt alone takes for `count` copies of a state."""
    gc.collect()
    before, held = read_rss_kib(os.getpid()), []
    for _ in range(count):
        doc: Doc[Any] = Doc()
        doc.apply_update(state)
        held.append(doc)
    return (read_rss_kib(os.getpid()) - before) / len(held)


def time_plain(updates: list[bytes]) -> float:
    """Seconds in which pycrdt alone applies updates, encodes the result and reads its text."""
    began = time.perf_counter()
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    doc.get_update()
    str(doc.get("content", type=Text))
    return time.perf_counter() - began


def time_inserts(url: str, file_id: UUID, count: int) -> list[float]:
    """Milliseconds of `count` single INSERTs, each with its commit, on one connection."""
    update, found = make_updates(1)[0], []
    statement = INSERT.replace("$1, $2, $3, 1, $4", "%s, %s, %s, 1, %s")
    with psycopg.connect(url, autocommit=True) as conn:
        for n in range(count):
            began = time.perf_counter()
            conn.execute(statement, (file_id, n, file_id, update))
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(0.01)
    return found


async def append(stage: Stage, file_id: UUID, many: int, seconds: float, plain: bool) -> float:
    """Updates per second that one connection stores, `many` per statement; `plain`: by the floor's INSERT."""
    update = make_updates(1)[0]
    database = Database(stage.config())
    await database.open()
    stored, seq = 0, int(time.time() * 1000) * 1000
    try:
        async with database.connection(wait=5) as conn:
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                if plain:
                    values = [(file_id, seq + n, file_id, update) for n in range(many)]
                    await conn.executemany(INSERT, values)
                    seq += many
                else:
                    await sql.collab.append_updates(
                        conn,
                        file_ids=[file_id] * many,
                        updates=[update] * many,
                        author_ids=[file_id] * many,
                        roots=[None] * many,
                        node=1,
                    )
                stored += many
            return stored / (time.perf_counter() - began)
    finally:
        await database.close()


async def settle(stage: Stage, file_id: UUID, updates: list[bytes]) -> float:
    """Seconds in which a worker settles these updates."""
    database = Database(stage.config())
    await database.open()
    try:
        async with database.connection(wait=5) as conn:
            for at in range(0, len(updates), 500):
                part = updates[at : at + 500]
                await sql.collab.append_updates(
                    conn,
                    file_ids=[file_id] * len(part),
                    updates=part,
                    author_ids=[file_id] * len(part),
                    roots=[None] * len(part),
                    node=1,
                )
        began = time.perf_counter()
        await Settler(database, quiet=0).drain()
        return time.perf_counter() - began
    finally:
        await database.close()


def make_files(stage: Stage, count: int, state: bytes | None = None) -> list[UUID]:
    """Create files, with the snapshot `state` if given; returns their ids."""
    found = [row[0] for row in stage.query(MAKE, count)]
    if state is not None:
        stage.query(FILL, state, found, found)
    return found


def show_times(name: str, values: list[float], **more: Any) -> Figure:
    """A figure with the median and the 99th percentile of milliseconds."""
    return Figure(name, median(values), "ms", detail={"p99": round(percentile(values, 0.99), 2)}, **more)


def measure_live(stage: Stage, site: Site, load: Remote, pid: int) -> list[Figure]:
    """The latency that editors see, and the CPU it takes."""
    count = 50 if stage.size is QUICK else 300
    seconds = 3.0 if stage.size is QUICK else 10.0
    at_load = f"at {editors.SENDERS * editors.A_SECOND:,} updates/s, {editors.SENDERS} sockets"
    one, two, busy, crowded = make_files(stage, 4)
    same = load.call(editors.time_keystrokes, site, one, 0, count)
    other = load.call(editors.time_keystrokes, site, one, 1, count)
    saved = load.call(editors.time_saved, site, two, count)
    plain = load.call(time_inserts, stage.url, two, count)
    busy_times = load.call(editors.load_file, site, busy, pid, seconds)
    used = busy_times.used / busy_times.total
    applied = load.call(time_plain, make_updates(ROWS)) / ROWS
    sends, cpu = load.call(editors.move_cursors, site, crowded, pid, seconds)
    return [
        show_times("a keystroke seen, same node", same, aim=AIM_SAME_MS, aim_is_value=True),
        show_times("a keystroke seen, other node", other),
        show_times(
            "a keystroke saved", saved, ratio=median(plain) / median(saved), floor="one INSERT, committed"
        ),
        show_times(f"{at_load}, seen", busy_times.near),
        show_times(f"{at_load}, seen on the other node", busy_times.far),
        show_times(f"{at_load}, saved", busy_times.saved),
        Figure(
            "CPU an update of these",
            used * 1e6,
            "us",
            ratio=applied / used,
            floor="pycrdt applies it",
        ),
        Figure(
            f"messages to {editors.CURSORS} cursors, 200 moves/s",
            sends,
            "/s",
            detail={"cpu": round(cpu, 3), "repeated by all": 200 * (editors.CURSORS - 1)},
        ),
    ]


def measure_memory(stage: Stage, site: Site, load: Remote, pid: int) -> list[Figure]:
    """The memory of an open file, and the time to open one."""
    count = 100 if stage.size is QUICK else 500
    doc: Doc[Any] = Doc()
    make_updates(KEYSTROKES, doc)
    typed, large = doc.get_update(), make_state(COLD_BYTES)
    # An unused document is dropped after a minute; --quick does not wait for that.
    wait = 0.0 if stage.size is QUICK else 65.0
    held, idle = load.call(editors.hold_files, site, make_files(stage, count, typed), pid, wait)
    plain = load.call(hold_plain, typed, count)
    cold = load.call(editors.open_cold, site, make_files(stage, 5, large))
    alone = load.call(time_plain, [large]) * 1000
    return [
        Figure(
            f"one of {count} open files of {KEYSTROKES:,} keystrokes",
            held,
            "KiB",
            ratio=plain / held,
            floor="a Doc of pycrdt",
            detail={"idle": round(idle, 1)} if wait else {},
        ),
        show_times(
            f"a cold file of {COLD_BYTES / 1e6:.1f} MB",
            cold,
            ratio=alone / median(cold),
            floor="pycrdt loads and encodes it",
        ),
    ]


def measure_log(stage: Stage) -> list[Figure]:
    """The rates at which updates are stored and settled."""
    found = []
    (file_id,) = make_files(stage, 1)
    for many, what in ((1, "one by one"), (50, "by 50")):
        plain = asyncio.run(append(stage, file_id, many, stage.size.seconds, plain=True))
        ours = asyncio.run(append(stage, file_id, many, stage.size.seconds, plain=False))
        floor = "plain INSERTs" + (", in a transaction" if many > 1 else "")
        found.append(Figure(f"updates stored {what}", ours, "/s", ratio=ours / plain, floor=floor))
    stage.query("DELETE FROM file_docs WHERE dirty_since IS NOT NULL")
    (file_id,) = make_files(stage, 1)
    updates = make_updates(ROWS)
    took, alone = asyncio.run(settle(stage, file_id, updates)), time_plain(updates)
    found.append(
        Figure(
            f"{ROWS:,} updates settled",
            took * 1000,
            "ms",
            ratio=alone / took,
            floor="pycrdt applies, encodes, reads",
        )
    )
    return found


def measure(stage: Stage) -> list[Figure]:
    """Measure on two web processes, unpinned, as a keystroke passes through several processes."""
    stage.query(PLAIN)
    with ExitStack() as stack:
        stack.enter_context(stage.unpinned())
        webs = [stack.enter_context(stage.web()) for _ in range(2)]
        load = stack.enter_context(remote(ANYWHERE))
        site = Site([port for _, port in webs], [token for _, token in stage.sign_tokens(PEOPLE)])
        pid = webs[0][0].pid
        found = measure_live(stage, site, load, pid)
        found += measure_memory(stage, site, load, pid)
    return found + measure_log(stage)
