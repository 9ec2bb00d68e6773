"""Due dates by the assignee's clock, reminders, and the traces of a person who leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nexcorp.features import PRODUCT
from tests.api import API, create, fetch, fetch_value, get_json, refused
from tests.features.tasks.conftest import MakeProject

pytestmark = pytest.mark.shared


async def live_in(service: Any, person: Any, zone: str) -> None:
    """Set a person's time zone."""
    await fetch(
        service,
        "INSERT INTO notification_settings (user_id, timezone) VALUES ($1, $2) "
        "ON CONFLICT ON CONSTRAINT notification_settings_pkey DO UPDATE SET timezone = excluded.timezone",
        person.id,
        zone,
    )


async def test_a_day_ends_by_the_clock_of_whose_it_is(make_user: Any, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    await live_in(service, ada, "Europe/Berlin")
    await live_in(service, bob, "America/New_York")
    # On this day clocks go forward: it has 23 hours.
    task = await create(ada, "/tasks", title="File taxes", dueDate="2027-03-28")
    assert task["dueAt"] == "2027-03-28T21:59:59.000000Z"
    path = f"{API}/tasks/{task['id']}"
    given = await (await ada.client.put(f"{path}/assignee", json={"userId": str(bob.id)})).json()
    assert (given["dueDate"], given["dueAt"]) == ("2027-03-28", "2027-03-29T03:59:59.000000Z")
    await live_in(service, bob, "Asia/Tokyo")
    moved = await get_json(bob.client, f"/tasks/{task['id']}")
    assert (moved["dueAt"], moved["version"]) == ("2027-03-28T14:59:59.000000Z", 2)
    # The history has one change of the due time: Seoul has the same offset as Tokyo.
    await live_in(service, bob, "Asia/Tokyo")
    await live_in(service, bob, "Asia/Seoul")
    history = (await get_json(ada.client, f"/tasks/{task['id']}/history"))["data"]
    assert [(row["changed"], row["actor"]["id"]) for row in history[:2]] == [
        (["dueAt"], str(bob.id)),
        (["assigneeId"], str(ada.id)),
    ]
    # A time must name its zone: then local times that are skipped or repeated are clear.
    exact = await (await ada.client.patch(path, json={"dueDate": "2027-03-28T02:30:00+01:00"})).json()
    assert (exact["dueDate"], exact["dueAllDay"]) == ("2027-03-28T01:30:00.000000Z", False)
    for wrong in ("2027-03-28T02:30:00", "2027-02-30", "soon", "", 7, "9999-12-31", "0001-01-01T00:00:00Z"):
        answer = await refused(ada.client.patch(path, json={"dueDate": wrong}), 422)
        assert list(answer["errors"]) == ["dueDate"]


async def test_reminders_are_a_day_before_and_when_it_is_due(make_user: Any, service: Any) -> None:
    ada = await make_user()
    remind_at = "SELECT remind_at FROM tasks WHERE id = $1"
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    task = await create(ada, "/tasks", title="Present", dueDate=due.isoformat())
    path = f"{API}/tasks/{task['id']}"
    assert await fetch_value(service, remind_at, task["id"]) == due - timedelta(days=1)
    # Move the reminder on, as the job does once it has reminded.
    await fetch(
        service, "UPDATE tasks SET remind_at = next_reminder(due_at, remind_at) WHERE id = $1", task["id"]
    )
    await ada.client.patch(path, json={"title": "Present it"})
    assert await fetch_value(service, remind_at, task["id"]) == due
    await ada.client.patch(path, json={"status": "done"})
    assert await fetch_value(service, remind_at, task["id"]) is None
    await ada.client.patch(path, json={"status": "todo"})
    assert await fetch_value(service, remind_at, task["id"]) == due - timedelta(days=1)
    await ada.client.patch(path, json={"dueDate": (datetime.now(UTC) - timedelta(days=3)).isoformat()})
    assert await fetch_value(service, remind_at, task["id"]) is None


async def test_whoever_leaves_is_a_former_creator_and_nothing_else(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, boss = await make_user(), await make_user(role="manager")
    project = await make_project(owner=boss, editor=ada)
    made = await create(ada, "/tasks", title="Her idea", projectId=str(project))
    given = await create(boss, "/tasks", title="Her duty", assigneeId=str(ada.id))
    trashed = await create(boss, "/tasks", title="Once her duty", assigneeId=str(ada.id))
    await boss.client.delete(f"{API}/tasks/{trashed['id']}")
    await ada.client.put(f"{API}/tasks/{made['id']}/watch")
    async with service.db.connection(wait=5) as conn:
        export = {
            name: await PRODUCT.export[name].read(conn, user_id=ada.id)
            for name in ("tasks", "assignedTasks", "watchedTasks")
        }
    assert [row["title"] for row in export["tasks"]] == ["Her idea"]
    assert [str(row["id"]) for row in export["assignedTasks"]] == [given["id"]]
    assert "duty" not in str(export["assignedTasks"])
    assert [str(row["taskId"]) for row in export["watchedTasks"]] == [made["id"]]
    assert (await ada.client.delete(f"{API}/users/me", json={"currentPassword": ada.password})).status == 204
    shown = await get_json(boss.client, f"/tasks/{made['id']}")
    assert shown["creator"]["username"].startswith("former_") and shown["title"] == "Her idea"
    assert (await get_json(boss.client, f"/tasks/{given['id']}"))["assignee"] is None
    for table in ("project_members", "task_watchers"):
        count = f"SELECT count(*) FROM {table} WHERE user_id = $1"  # noqa: S608
        assert await fetch_value(service, count, ada.id) == 0
    assert await fetch_value(service, "SELECT count(*) FROM tasks WHERE assignee_id = $1", ada.id) == 0
