"""The admin's overview: measurements of the processes, the figures made of them, and dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from nexcorp.db import Database, sql
from nexcorp.delivery import emit
from nexcorp.errors import DatabaseUnavailable
from nexcorp.features.overview.live import show
from nexcorp.features.overview.sampling import Sampler, compare_requests, estimate_latency
from nexcorp.realtime.node import NODE
from nexcorp.web.metrics import Requests
from tests.api import API, get_json, refused
from tests.conftest import wait_until
from tests.realtime.helpers import ask, subscribe


async def measure(database: Any, node_id: str, kind: str, ago: int, **values: Any) -> None:
    """Write a sample of a process, `ago` steps of ten seconds back."""
    names = {"pool_size": 5, "pool_busy": 1, **values}
    columns, places = ", ".join(names), ", ".join(f"${4 + n}" for n in range(len(names)))
    text = (
        f"INSERT INTO node_samples (at, node_id, kind, {columns}) VALUES "  # noqa: S608 - names of this file
        f"(date_bin('10 seconds', now(), 'epoch') - $1::float8 * interval '10 seconds', $2, $3, {places})"
    )
    async with database.connection(wait=5) as conn:
        await conn.execute(text, float(ago), node_id, kind, *names.values())


def test_latencies_are_those_of_prometheus() -> None:
    inf = float("inf")
    assert estimate_latency([(0.01, 0), (0.02, 0), (inf, 0)], 0.5) is None
    assert estimate_latency([(0.01, 50), (0.02, 50), (inf, 0)], 0.5) == 10
    assert estimate_latency([(0.01, 0), (0.02, 100), (inf, 0)], 0.5) == pytest.approx(15)
    # For a latency beyond the last bound the last bound is shown.
    assert estimate_latency([(0.01, 1), (0.02, 0), (inf, 9)], 0.99) == 20
    before = Requests([(0.01, 10), (inf, 1)], 1)
    found = compare_requests(Requests([(0.01, 30), (inf, 1)], 3), before, 10)
    assert found == {"requests": 2, "errors": 0.2, "p50": 5, "p99": pytest.approx(9.9)}


async def test_history_adds_processes_up_and_shows_gaps(web_only: Any, database: Any) -> None:
    runner, _, _ = await web_only()
    await runner.cleanup()
    async with database.connection(wait=5) as conn:
        await conn.execute("DELETE FROM node_samples")
    web = {"errors": 0.5, "sockets": 7}
    await measure(database, "a", "web", 2, requests=30.0, p50=2.0, p99=9.0, outbox_depth=4, **web)
    await measure(database, "b", "web", 2, requests=10.0, p50=6.0, p99=50.0, **web)
    await measure(database, "c", "worker", 2, notified=3.0, delivered=1.0, queued=2)
    await measure(database, "a", "web", 4, requests=0.0, **web)
    # A step that is not over is not shown.
    await measure(database, "a", "web", 0, requests=1e6)
    async with database.connection(wait=5) as conn:
        points = await sql.overview.list_points(conn, step=10, steps=360)
        days = await sql.overview.list_points(conn, step=300, steps=288)
    assert (len(points), len(days)) == (360, 288)
    # The clock may have advanced by a step in between.
    at = next(n for n, row in enumerate(points) if row["webNodes"] == 2)
    assert at in (1, 2)
    found = dict(points[at])
    assert found.pop("at") == points[0]["at"] - at * (points[0]["at"] - points[1]["at"])
    assert found == {
        "requestsPerSecond": 40,
        "errorsPerSecond": 1,
        "latencyP50": 3,
        "latencyP99": 50,
        "sockets": 14,
        "notificationsPerSecond": 3,
        "deliveredPerSecond": 1,
        "queueDepth": 2,
        "poolSize": 15,
        "poolBusy": 3,
        "outboxDepth": 4,
        "outboxAge": None,
        "deadLetters": None,
        "webNodes": 2,
        "workers": 1,
    }
    quiet = points[at + 2]
    assert (quiet["requestsPerSecond"], quiet["latencyP50"], quiet["workers"]) == (0, None, 0)
    assert set(dict(points[at + 1]).values()) == {None, points[at + 1]["at"]}
    measured = [row["requestsPerSecond"] for row in days if row["webNodes"] is not None]
    assert sum(measured) in (20, 40)

    async with database.connection(wait=5) as conn:
        await conn.execute("UPDATE node_samples SET at = at - interval '1 day' WHERE node_id = 'a'")
        await sql.overview.delete_old_samples(conn)
        left = await conn.fetch("SELECT DISTINCT node_id FROM node_samples")
    assert {row["node_id"] for row in left} - {"a"} == {"b", "c"}


async def test_two_nodes_and_a_worker_are_seen_live(
    service: Any, make_user: Any, connect: Any, second_node: str
) -> None:
    admin, member = await make_user(role="admin"), await make_user()
    live, far = await connect(admin), await connect(admin, url=second_node)
    await subscribe(live, "admin")
    refusal = await ask(await connect(member), "subscribe", {"room": "admin"})
    assert refusal["event"] == "error"
    await refused(member.client.get(f"{API}/admin/overview"), 403)

    async def see_all() -> Any:
        found = await get_json(admin.client, "/admin/overview")
        return found if len(found["nodes"]) == 3 else None

    found = await wait_until(see_all)
    assert sorted(one["kind"] for one in found["nodes"]) == ["web", "web", "worker"]
    assert found["users"] == 2 and found["workers"] == 1
    assert found["outbox"]["dead"] == 0

    # A process writes at most one row for each ten seconds, however often it is asked.
    node = service.app[NODE]
    sampler = Sampler(service.db, "another", "web", FakeQueue(), sockets=lambda: len(node.hub.sockets))
    due = [await sampler.add() for _ in range(2)]
    assert all(0 < seconds <= 15 for seconds in due)
    async with service.db.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT at, sockets, queued FROM node_samples WHERE node_id = 'another'")
        depths = await conn.fetch(
            "SELECT at, count(outbox_depth) AS n FROM node_samples GROUP BY at HAVING count(*) > 2"
        )
    assert len({row["at"] for row in rows}) == len(rows) <= 2
    assert (rows[0]["sockets"], rows[0]["queued"]) == (2, 7)
    assert all(1 <= row["n"] <= 3 for row in depths)

    await show(node)
    frame = await live.next("overview:updated")
    assert frame["room"] == "admin" and "seq" not in frame
    assert {one["id"] for one in found["nodes"]} < {one["id"] for one in frame["data"]["nodes"]}
    await far.nothing("overview:updated", 0.2)
    history = await get_json(admin.client, "/admin/overview/history?range=day")
    assert (history["step"], len(history["data"])) == (300, 288)
    hour = await get_json(admin.client, "/admin/overview/history")
    assert hour["data"] == sorted(hour["data"], key=lambda point: point["at"])
    await refused(admin.client.get(f"{API}/admin/overview/history?range=year"), 422)


class FakeQueue:
    """A queue in which seven jobs wait."""

    async def count(self, kind: str) -> int:
        return 7


async def test_nothing_is_written_while_the_database_is_away(config: Any, database: Any) -> None:
    done = {"notified": 5.0, "delivered": 1.0}
    away = Database(config)
    sampler = Sampler(away, "x", "worker", FakeQueue(), lambda: done)
    done = {"notified": 1e6, "delivered": 1e6}
    with pytest.raises(DatabaseUnavailable):
        await sampler.add()
    await away.open()
    # Work done while the database was away is not counted as work of this step.
    await sampler.add()
    await away.close()
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT notified, requests, sockets, outbox_depth FROM node_samples")
    assert [tuple(row) for row in rows] == [(0, None, None, 0)]


async def test_a_dead_letter_is_delivered_after_all(service: Any, make_user: Any) -> None:
    admin, reader, writer = await make_user(role="admin"), await make_user(), await make_user()
    async with service.db.transaction(wait=5) as conn:
        await emit(conn, "user.followed", actor_id=reader.id, entity=("user", writer.id), payload={})
        row = await conn.fetchrow(
            "SELECT o.lane, o.id FROM outbox AS o INNER JOIN events AS e ON e.id = o.event_id "
            "WHERE e.type = 'user.followed'"
        )
        await sql.events.bury_outbox(conn, lane=row["lane"], row_id=row["id"], last_error="broken")
    letter = row["id"]
    listed = (await get_json(admin.client, "/admin/outbox"))["data"]
    assert [(one["id"], one["dead"], one["lastError"]) for one in listed] == [(letter, True, "broken")]
    assert (await get_json(admin.client, "/admin/overview"))["outbox"]["dead"] == 1
    await refused(writer.client.post(f"{API}/admin/outbox/{letter}/retry"), 403)
    answer = await admin.client.post(f"{API}/admin/outbox/{letter}/retry")
    assert answer.status == 204

    async def is_told() -> Any:
        return (await get_json(writer.client, "/notifications"))["data"]

    assert [one["type"] for one in await wait_until(is_told)] == ["follow"]
    assert (await get_json(admin.client, "/admin/outbox"))["data"] == []
    for gone in (letter, 10**17, "x", "%D9%A3"):
        refusal = await refused(admin.client.post(f"{API}/admin/outbox/{gone}/retry"), 404)
        assert refusal["code"] == "dead_letter_not_found"
