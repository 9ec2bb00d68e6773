"""Reads on a streaming replica: callers see their own writes, and the primary takes over if it fails."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nexcorp.app import list_routes
from nexcorp.config import Config
from nexcorp.doctor import check_replica
from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.embedded.process import children_of
from nexcorp.web.reading import READS, STALE_READS, Reads
from tests.api import API, create, get_json, publish, refused
from tests.clients import Service, start_web, wait_until
from tests.conftest import make_config, name_database
from tests.servers import choose_folder
from tests.standby import StandbyServer


@pytest.fixture(scope="module")
def standby(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandbyServer]:
    server = StandbyServer(choose_folder(tmp_path_factory) / "standby", postgres)
    server.start()
    yield server
    server.destroy()


def on_standby(standby: StandbyServer, statement: str) -> Any:
    with psycopg.connect(standby.url, autocommit=True) as conn:
        return conn.execute(statement).fetchone()


@pytest.fixture
def own_config(
    database_url: str, valkey: ValkeyServer, tmp_path: Path, standby: StandbyServer
) -> Iterator[Config]:
    """Settings with a database of the test's own, which the replica also has."""
    standby.start()
    config = make_config(database_url, valkey.url, tmp_path / "home")
    yield replace(
        config,
        database_read_url=name_database(standby.url, database_url.rpartition("/")[2]),
        database_read_lag=1,
    )
    with psycopg.connect(standby.url, autocommit=True) as conn:
        conn.execute("SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()")


def reads_of(service: Service) -> Reads:
    return service.app[READS]


async def is_read(reads: Reads) -> bool:
    return reads.replica.source is not None


async def is_unread(reads: Reads) -> bool:
    return reads.replica.source is None


def count(where: str, why: str = "") -> float:
    return STALE_READS.labels(where, why)._value.get()  # type: ignore[no-any-return]


async def test_a_caller_finds_what_they_wrote_at_every_node(
    service: Service, make_user: Any, standby: StandbyServer
) -> None:
    author, other = await make_user(), await make_user(role="admin")
    await wait_until(lambda: is_read(reads_of(service)), 20)
    runner, app, url = await start_web(service.config)
    try:
        await wait_until(lambda: is_read(app[READS]))
        elsewhere = type(author.client)(author.client.session, url, author.headers)
        on_standby(standby, "SELECT pg_wal_replay_pause()")
        written, replica = count("primary", "written"), count("replica")
        made = await publish(author)
        for client in (author.client, elsewhere):
            assert [post["id"] for post in (await get_json(client, "/posts"))["data"]] == [made["id"]]
        assert count("primary", "written") == written + 2
        # Other callers may be shown the earlier state.
        assert (await get_json(other.client, "/posts"))["data"] == []
        assert count("replica") == replica + 1
        # So is what was committed before an error; an error alone spares the replica nothing.
        await refused(other.client.post(f"{API}/posts", json={}), 422)
        assert (await get_json(other.client, "/posts"))["data"] == []
        assert count("replica") == replica + 2
        sudo = other.client.post(f"{API}/auth/sudo", json={"currentPassword": "wrong"})
        await refused(sudo, 403, "wrong_password")
        seen = [event["type"] for event in (await get_json(other.client, "/events"))["data"]]
        assert "user.login_failed" in seen
        # The replica falls behind: reads go to the primary, /ready reports it, and no request is refused.
        await wait_until(lambda: is_unread(reads_of(service)), 10)
        assert len((await get_json(other.client, "/posts"))["data"]) == 1
        ready = await other.client.get("/ready")
        check = (await ready.json())["checks"]["replica"]
        assert ready.status == 200 and not check["ok"] and check["reason"].endswith("s behind")
        on_standby(standby, "SELECT pg_wal_replay_resume()")
        await wait_until(lambda: is_read(reads_of(service)), 10)
        replica = count("replica")
        assert len((await get_json(author.client, "/posts"))["data"]) == 1
        assert count("replica") == replica + 1
        metrics = await (await author.client.get("/metrics")).text()
        assert "nexcorp_replica_read 1.0" in metrics and "nexcorp_replica_lag_seconds" in metrics
    finally:
        await runner.cleanup()


async def test_what_was_taken_away_is_read_nowhere(
    service: Service, make_user: Any, standby: StandbyServer
) -> None:
    owner, member, other = await make_user(role="admin"), await make_user(), await make_user()
    runner, app, url = await start_web(replace(service.config, database_read_lag=60))
    project = await create(owner, "/projects", name="Secret")
    path = f"{API}/projects/{project['id']}/members/{member.id}"
    assert (await owner.client.put(path, json={"role": "viewer"})).status == 200
    group = await create(owner, "/conversations", title="We", userIds=[str(member.id), str(other.id)])
    await create(owner, f"/conversations/{group['id']}/messages", body="confidential")
    elsewhere = type(member.client)(member.client.session, url, member.headers)
    lists = ("/projects", "/messages/search?q=confidential")

    async def count_shown(path: str) -> int:
        return len((await get_json(elsewhere, path))["data"])

    async def read_there() -> bool:
        replica = count("replica")
        return [await count_shown(path) for path in lists] == [1, 1] and count("replica") == replica + 2

    try:
        await wait_until(read_there, 20)
        await asyncio.to_thread(on_standby, standby, "SELECT pg_wal_replay_pause()")
        paths = (f"/projects/{project['id']}/members", f"/conversations/{group['id']}/members")
        for list_path, path in zip(lists, paths, strict=True):
            # The replica first catches up with the earlier removal.
            on_standby(standby, "SELECT pg_wal_replay_resume()")
            await wait_until(lambda: is_read(app[READS]), 20)
            on_standby(standby, "SELECT pg_wal_replay_pause()")
            assert await count_shown(list_path) == 1
            assert (await owner.client.delete(f"{API}{path}/{member.id}")).status == 204
            # This node knows of the removal at once, other nodes when they are told.
            assert (await get_json(member.client, list_path))["data"] == []
            await wait_until(lambda: is_unread(app[READS]), 5)
            assert await count_shown(list_path) == 0
        # The replica is used again when it has replayed the removal.
        on_standby(standby, "SELECT pg_wal_replay_resume()")
        await wait_until(lambda: is_read(app[READS]), 10)
    finally:
        await runner.cleanup()


async def test_every_list_that_may_be_stale_can_be_read_on_a_replica(
    service: Service, make_user: Any
) -> None:
    admin = await make_user(role="admin")
    project = await admin.client.post(API + "/projects", json={"name": "A"})
    assert project.status == 201, await project.text()
    post = await publish(admin, type="project")
    await wait_until(lambda: is_read(reads_of(service)), 20)
    source = reads_of(service).replica
    position = int(await service_position(service))

    async def caught_up() -> bool:
        return source.source is not None and source.replayed >= position

    await wait_until(caught_up)
    own = {"/users": str(admin.id), "/posts": post["id"], "/projects": (await project.json())["id"]}
    asked = {"/search": "q=hello", "/messages/search": "q=hello"}
    again, replica, called = count("primary", "asked again"), count("replica"), 0
    for route in (one for one in list_routes() if one.stale):
        assert route.method == "GET"
        parent = next((path for path in own if route.path.startswith(path + "/{id}/")), "")
        if "{" in route.path and (not parent or "repository" in route.path):
            continue
        path = route.path.replace("{id}", own.get(parent, ""))
        answer = await admin.client.get(f"{API}{path}?{asked.get(path, '')}")
        assert answer.status == 200, (path, await answer.text())
        called += 1
    assert called >= 13
    assert count("replica") == replica + called and count("primary", "asked again") == again
    # A row that the replica lacks is looked up on the primary, and so is one that does not exist.
    missing = await admin.client.get(f"{API}/posts/{admin.id}/status-log")
    assert missing.status == 404 and count("primary", "asked again") == again + 1


async def service_position(service: Service) -> Any:
    async with service.db.connection(wait=5) as conn:
        return await conn.fetchval("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")


async def test_without_redis_the_primary_is_read(service: Service, make_user: Any) -> None:
    user = await make_user()
    reads = reads_of(service)
    await wait_until(lambda: is_read(reads))
    unknown = count("primary", "unknown")

    async def away(*values: Any) -> None:
        raise ConnectionError

    client = reads._redis.home
    client.zscore, kept = away, client.zscore
    await get_json(user.client, "/posts")
    assert count("primary", "unknown") == unknown + 1
    client.zscore, reads._rest_until = kept, 0.0
    # If a write cannot be told to the other nodes, this node reads on the primary for a while.
    asked: list[int] = []
    client.pipeline = lambda **more: (_ for _ in asked.append(1) or ()).throw(ConnectionError())
    await publish(user)
    # A hanging Redis delays one write a second, not each.
    await publish(user)
    assert len((await get_json(user.client, "/posts"))["data"]) == 2
    assert count("primary", "unknown") == unknown + 2 and asked == [1]


async def test_a_replica_that_hangs_dies_or_is_promoted_is_nobodys_error(
    service: Service, make_user: Any, standby: StandbyServer
) -> None:
    user, reads = await make_user(), reads_of(service)
    await wait_until(lambda: is_read(reads))
    wrong: list[int] = []
    done = asyncio.Event()

    async def keep_reading(path: str) -> None:
        while not done.is_set():
            answer = await user.client.get(API + path)
            if answer.status != 200:
                wrong.append(answer.status)
            await asyncio.sleep(0)

    # The export reads after its headers are sent, when a failure would cut the client off.
    paths = ("/posts", "/users", "/explore", "/tasks/export.csv")
    readers = [asyncio.create_task(keep_reading(path)) for path in paths]
    assert standby.process is not None
    processes = [standby.process.pid, *children_of(standby.process.pid)]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    await wait_until(lambda: is_unread(reads))
    for pid in processes:
        os.kill(pid, signal.SIGCONT)
    await wait_until(lambda: is_read(reads))
    await asyncio.to_thread(standby.kill)
    await wait_until(lambda: is_unread(reads))
    # Not in a thread: the server dies with the thread that started it.
    standby.start()
    await wait_until(lambda: is_read(reads), 30)
    await wait_until(lambda: is_well(service.config))
    before = count("replica")
    await wait_until(lambda: is_more(before))
    await asyncio.to_thread(on_standby, standby, "SELECT pg_promote()")
    await wait_until(lambda: is_unread(reads))
    done.set()
    await asyncio.gather(*readers)
    assert wrong == []
    await wait_until(lambda: is_known_as(reads, "is no replica, or no longer one"))
    assert "is no replica" in check_replica(service.config)[0]


async def is_known_as(reads: Reads, problem: str) -> bool:
    return reads.replica.problem == problem


async def is_well(config: Any) -> bool:
    """Whether the doctor finds nothing wrong with the replica."""
    return await asyncio.to_thread(check_replica, config) == []


async def is_more(before: float) -> bool:
    return count("replica") > before
