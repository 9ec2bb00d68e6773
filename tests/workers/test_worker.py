"""The worker process: its jobs run by SAQ, its poll, its heartbeat, and the service without it."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from uuid import uuid4

import pytest
from saq.job import Job, Status

from nexcorp.config import REPOSITORY
from nexcorp.delivery.wake import Waker, enqueue_job, make_queue
from nexcorp.embedded import ValkeyServer
from nexcorp.features import PRODUCT
from nexcorp.redis_client import connect
from tests.chaos.cluster import choose_ports
from tests.conftest import wait_until
from tests.realtime.helpers import create_post
from workers import patience, settings
from workers.patience import PatientQueue, PatientWorker
from workers.settings import serve


@pytest.fixture
def silent_poll(monkeypatch):
    """The poll never delivers, so only a job can."""

    async def sleep(delivery) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(settings, "poll", sleep)


@pytest.fixture
def silent_wake(monkeypatch):
    """Wakes are dropped, so only the poll can deliver."""
    monkeypatch.setattr(Waker, "ask", lambda self, function="deliver": None)


async def run_job(config, name, seconds=10, **arguments):
    client = connect(config.redis_url, blocking=True)
    try:
        queue, key = make_queue(client), f"test:{uuid4()}"
        await enqueue_job(queue, name, key=key, **arguments)

        async def ended():
            job = await queue.job(key)
            return job if job is not None and job.status in (Status.COMPLETE, Status.FAILED) else None

        return await wait_until(ended, seconds)
    finally:
        await client.aclose()


async def depth(database) -> int:
    async with database.connection(wait=5) as conn:
        return await conn.fetchval("SELECT count(*) FROM outbox")


async def test_deliver_runs_through_saq(silent_poll, worker, config, database, people, comment):
    ada, grace = await people(2)
    for _ in range(3):
        await comment(ada, mentioned=[grace])
    assert await depth(database) == 3
    job = await run_job(config, "deliver")
    assert (job.status, job.result) == (Status.COMPLETE, 3)
    assert job.retries >= 5
    assert job.timeout > 0
    assert await depth(database) == 0
    again = await run_job(config, "deliver")
    assert (again.status, again.result) == (Status.COMPLETE, 0)


async def test_cleanup_runs_through_saq(worker, config):
    job = await run_job(config, "clean_up")
    assert job.status == Status.COMPLETE, job.error


def test_cron_jobs_follow_the_rules_of_jobs():
    crons = settings.list_crons(PRODUCT)
    assert {job.function.__name__ for job in crons} == {job.name for job in PRODUCT.jobs if job.cron}
    for job in crons:
        assert job.retries is not None
        assert job.retries >= 5
        assert job.timeout == PRODUCT.job_seconds[job.function.__name__]
    assert {job.function for job in crons} <= set(settings.list_jobs(PRODUCT))


async def test_what_an_operator_emits_is_found_by_the_poll(silent_wake, worker, database):
    """A statement in psql wakes no worker, so the poll must find the event."""
    async with database.connection(wait=5) as conn:
        await conn.execute(
            "SELECT emit('user.unfollowed', NULL, 'user', gen_random_uuid(), '{\"why\": \"asked\"}', '{}')"
        )

    async def delivered() -> bool:
        return await depth(database) == 0

    await wait_until(delivered)


async def test_poll_delivers_when_no_wake_comes(worker, database, people, comment):
    ada, grace = await people(2)
    await comment(ada, mentioned=[grace])

    async def delivered() -> bool:
        return await depth(database) == 0

    await wait_until(delivered)


async def is_empty(database):
    """Whether the outbox is empty."""
    return await depth(database) == 0


async def test_jobs_run_again_after_redis_was_away(
    silent_poll, config, database, people, comment, tmp_path, caplog
):
    ada, grace = await people(2)
    server = ValkeyServer(tmp_path)
    server.start()
    own, stop = replace(config, redis_url=server.url), asyncio.Event()
    running = asyncio.create_task(serve(own, stop))
    try:
        assert (await run_job(own, "deliver")).status == Status.COMPLETE
        server.kill()
        await asyncio.sleep(1)
        server.start()
        for _ in range(12):
            # There are more jobs than SAQ has places: the lost connection must not have used up any.
            await comment(ada, mentioned=[grace])
            job = await run_job(own, "deliver", 20)
            assert job.status == Status.COMPLETE
            # A repeated job may have been ahead of this one.
            await wait_until(lambda: is_empty(database))
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)
        server.destroy()
    # asyncio logs a failed task when it is collected. The generator with which SAQ waits for jobs is closed
    # by the collector, too, and its failure concerns nobody.
    gc.collect()
    said = [line.getMessage() for line in caplog.records if line.levelno >= logging.ERROR]
    assert [line for line in said if "async_generator_athrow" not in line] == []


async def test_worker_stops_at_once_and_finishes_what_it_has(config, database, people, comment):
    ada, grace = await people(2)
    stop = asyncio.Event()
    running = asyncio.create_task(serve(config, stop))

    async def beats() -> bool:
        async with database.connection(wait=5) as conn:
            running = "SELECT count(*) FROM worker_heartbeats WHERE NOT starts_with(worker_id, 'stopped:')"
            return bool(await conn.fetchval(running))

    await wait_until(beats)
    await comment(ada, mentioned=[grace])
    stop.set()
    await asyncio.wait_for(running, 20)
    assert not await beats()
    async with database.connection(wait=5) as conn:
        told = await conn.fetchval("SELECT count(*) FROM notifications")
    assert told + await depth(database) == 1


async def test_writes_are_taken_without_a_worker_and_delivered_by_the_next(make_user, service):
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    await service.stop_worker()
    for number in range(5):
        body = {"postId": str(post), "body": f"comment {number}"}
        assert (await grace.client.post("/api/v1/comments", json=body)).status == 201
    assert (await (await ada.client.get("/api/v1/notifications")).json())["unreadCount"] == 0
    stop = asyncio.Event()
    running = asyncio.create_task(serve(service.config, stop))

    async def told() -> bool:
        return (await (await ada.client.get("/api/v1/notifications")).json())["unreadCount"] == 5

    await wait_until(told)
    stop.set()
    await running


async def test_a_job_that_redis_goes_away_from_is_no_stack_trace(caplog):
    class Cut(PatientQueue):
        """A queue whose job arrived just before Redis went away."""

        async def dequeue(self, **_):
            return Job("clean_up", queue=self, retries=5)

    client = connect(f"redis://127.0.0.1:{choose_ports(1)[0]}", blocking=True)
    worker = PatientWorker(Cut(client, name="nobody"), settings.list_jobs(PRODUCT), cron_jobs=[])
    assert await worker.process() is False
    await client.aclose()
    assert [line.getMessage() for line in caplog.records if line.levelno >= logging.ERROR] == []


async def test_a_job_of_the_next_release_is_left_to_its_workers(config, monkeypatch):
    """In a rolling deploy, an older worker must not use up the attempts of a job that it does not know."""
    monkeypatch.setattr(patience, "STRANGE_SECONDS", 0.01)
    client = connect(config.redis_url, blocking=True)
    ran = []

    async def count_stars(ctx):
        ran.append(ctx["job"].attempts)

    def make_worker(functions):
        queue = PatientQueue(client, name="deploying")
        return PatientWorker(queue, functions, cron_jobs=[], dequeue_timeout=0.2)

    before, after = make_worker([]), make_worker([("count_stars", count_stars)])
    await before.queue.connect()
    await before.queue.enqueue(Job("count_stars", key="stars", retries=1))
    assert await before.process() is False
    assert (await after.queue.job("stars")).status == Status.QUEUED

    async def done():
        await after.queue.schedule()
        await after.process()
        return ran

    try:
        await wait_until(done)
    finally:
        await client.aclose()
    assert ran == [1]


async def test_a_worker_whose_database_cannot_be_used_ends_with_that_error(config, monkeypatch):
    async def fail(database):
        raise LookupError("not this database")

    monkeypatch.setattr(settings, "open_database", fail)
    with pytest.raises(LookupError):
        await asyncio.wait_for(serve(config, asyncio.Event()), 20)


async def test_a_worker_that_cannot_finish_ends_before_it_is_killed(tmp_path):
    """With PostgreSQL and Redis both away, a worker's tasks may never end after SIGTERM."""
    file = tmp_path / "worker.py"
    file.write_text(
        "import asyncio\n"
        "from workers import settings\n"
        "async def serve(config, stop):\n"
        "    print('serves', flush=True)\n"
        "    await stop.wait()\n"
        "    while True:\n"
        "        try:\n"
        "            await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError:\n"
        "            pass\n"
        "settings.serve, settings.STOP_SECONDS = serve, 0.3\n"
        "asyncio.run(settings.run_worker(None))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, file, cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY)}, stdout=PIPE
    )
    try:
        assert await process.stdout.readline() == b"serves\n"
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert b"a worker ends with work in hand" in await process.stdout.read()
    finally:
        if process.returncode is None:
            process.kill()
