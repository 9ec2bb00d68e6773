"""Webhooks when parts die: a worker that is killed, a database that goes away, two workers at a lane."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog

from nexcorp.db import Database, sql
from nexcorp.errors import Unavailable
from tests.conftest import wait_until
from tests.webhookserver import Receiver
from tests.workers.webhooks import HURRY, Hooks, settled, work
from workers.webhooks_record import Recorder, Release

COUNT = 120


async def heard_so_many(receiver: Receiver, count: int) -> None:
    """Wait until this many requests came."""

    async def check() -> bool:
        return len(receiver.calls) >= count

    await wait_until(check, seconds=30)


async def check_all(hooks: Hooks, receiver: Receiver, hook: Any, secret: str) -> Counter[str]:
    """Check that every delivery was sent, signed and recorded; return how often each id came."""
    for call in receiver.calls:
        call.verify(secret)
    rows = await hooks.deliveries(hook)
    times = Counter(call.id for call in receiver.calls)
    assert times.keys() == {f"msg_{row['event_id'].hex}" for row in rows}
    assert {row["status"] for row in rows} == {"delivered"} and len(rows) == COUNT
    return times


async def test_a_worker_that_is_killed_leaves_its_lane_to_another(hooks: Hooks, receiver: Receiver) -> None:
    admin = await hooks.person("admin")
    hook, secret = await hooks.hook(admin, f"{receiver.origin}/slow")
    await hooks.queue(hook, admin, COUNT)
    # The turn outlasts the test, so the worker is killed within it.
    pace = replace(HURRY, turn=10.0, lease=2.0)
    killed = multiprocessing.get_context("spawn").Process(target=work, args=(hooks.config, pace), daemon=True)
    killed.start()
    await heard_so_many(receiver, 30)
    killed.kill()
    await asyncio.to_thread(killed.join)
    assert killed.exitcode == -9
    left = await hooks.of(hook)
    assert left["worker_id"] == f"process-{killed.pid}" and await hooks.pending(hook) > 0
    async with hooks.sending() as webhooks:
        await settled(hooks, hook)
    times = await check_all(hooks, receiver, hook, secret)
    # Deliveries that were under way came once more, with the same id.
    assert set(times.values()) == {1, 2}
    again = await hooks.of(hook)
    assert (again["worker_id"], again["lease_until"], again["due_at"]) == (None, None, None)
    assert webhooks.worker_id != left["worker_id"]


async def test_a_worker_that_loses_its_database_sends_the_rest_later(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.webhooks_record.PAUSE_SECONDS", 0.2)
    admin = await hooks.person("admin")
    hook, secret = await hooks.hook(admin, f"{receiver.origin}/slow")
    await hooks.queue(hook, admin, COUNT)
    victim = Database(hooks.config, application="victim")
    await victim.open()
    async with Hooks(victim, hooks.config).sending():
        for count in (20, 50, 80):
            await heard_so_many(receiver, count)
            await hooks.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
            )
        await settled(hooks, hook)
    await victim.close()
    await check_all(hooks, receiver, hook, secret)
    assert (await hooks.of(hook))["worker_id"] is None


async def test_a_lane_is_not_claimed_again_before_its_turn_is_recorded(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if its lease has expired, as after a while without PostgreSQL."""
    monkeypatch.setattr("workers.webhooks_record.GATHER_SECONDS", 0.5)
    admin = await hooks.person("admin")
    hook, _ = await hooks.hook(admin, f"{receiver.origin}/slow")
    await hooks.queue(hook, admin, 1)
    async with hooks.sending(replace(HURRY, lease=0.0)):
        await settled(hooks, hook)
    assert len(receiver.calls) == 1


async def plan(conn: Any, event: Any) -> Any:
    """Plan deliveries of one event for all webhooks of the scope "all"; return the result."""
    return await sql.webhooks_sending.plan_deliveries(
        conn,
        event_ids=[event["id"]],
        event_ats=[event["created_at"]],
        types=[event["type"]],
        project_ids=[None],
        receiver_ids=[None],
        notification_ids=[None],
    )


async def claimed(hooks: Hooks, hook: Any) -> None:
    """Lease the lane to the worker "w", with nothing left to send in it."""
    await hooks.run(
        """UPDATE webhooks SET worker_id = 'w', lease_until = now() + interval '1 minute', due_at = now()
        WHERE id = $1""",
        hook,
    )


async def lock_is_awaited(hooks: Hooks) -> bool:
    """Whether a connection waits for a lock."""
    found: bool = await hooks.value(
        """SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
        AND datname = current_database())"""
    )
    return found


@pytest.mark.parametrize("first", ["batch", "end"])
async def test_a_lane_that_ends_beside_a_batch_is_due_again(hooks: Hooks, first: str) -> None:
    """The batch and the end of the lane wait for each other, and the webhook is due for the new delivery."""
    admin = await hooks.person("admin")
    hook, _ = await hooks.hook(admin, "https://hooks.example.com/")
    await claimed(hooks, hook)
    await hooks.post(admin)
    [event] = await hooks.run("SELECT id, created_at, type FROM events WHERE type = 'post.created'")
    recorder = Recorder(hooks.database, "w", lambda released: None)
    async with hooks.database.transaction(wait=5) as one:
        if first == "batch":
            await plan(one, event)
            recorder.note(Release(hook, ok=True, failed=0, rest=0.0, reason=None))
            await wait_until(lambda: lock_is_awaited(hooks))
            later = None
        else:
            await sql.webhooks_sending.lock_lanes(one, ids=[hook])
            await sql.webhooks_sending.release_lanes(
                one,
                ids=[hook],
                worker_id="w",
                oks=[True],
                faileds=[0],
                rests=[0.0],
                reasons=[None],
                most_failing_days=5,
            )

            async def batch() -> Any:
                async with hooks.database.transaction(wait=5) as other:
                    return await plan(other, event)

            later = asyncio.create_task(batch())
            await wait_until(lambda: lock_is_awaited(hooks))
    await recorder.settle()
    if later is not None:
        assert (await later)["woken"] == 1
    row = await hooks.of(hook)
    assert row["due_at"] is not None and row["worker_id"] is None
    assert await hooks.pending(hook) == 1


async def test_results_that_cannot_be_recorded_are_told(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.webhooks_record.TRIES", 3)
    monkeypatch.setattr("workers.webhooks_record.PAUSE_SECONDS", 0.01)
    recorder, tried = Recorder(hooks.database, "w", lambda released: None), []

    for error, reason in ((asyncpg.DeadlockDetectedError(), "deadlock"), (Unavailable(), Unavailable.code)):

        async def fail(*results: Any, error: Exception = error) -> None:
            tried.append(results)
            raise error

        monkeypatch.setattr(recorder, "_write_part", fail)
        tried.clear()
        with structlog.testing.capture_logs() as lines:
            recorder.note(Release(uuid4(), True, 0, 0.0, None))
            await recorder.settle()
        assert len(tried) == 3
        (line,) = lines
        assert (line["log_level"], line["reason"], line["lanes"]) == ("error", reason, 1)
