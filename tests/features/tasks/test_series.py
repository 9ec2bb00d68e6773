"""Repeating tasks: the next one is made once, when the last one is done, by the wall clock."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from tests.api import API, create, get_json, insist, refused
from tests.features.tasks.conftest import MakeProject

pytestmark = pytest.mark.shared


async def patch(user: Any, task: Any, **body: Any) -> Any:
    """PATCH a task, which must be answered with 200; return the answer's body."""
    answer = await user.client.patch(f"{API}/tasks/{task['id']}", json=body)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def list_series(user: Any, task: Any) -> list[Any]:
    """All tasks of a series, in order."""
    page = await get_json(user.client, "/tasks?limit=100")
    return sorted(
        (one for one in page["data"] if one["seriesId"] == task["seriesId"]),
        key=lambda one: one["occurrence"],
    )


async def finish(user: Any, task: Any) -> Any:
    """Mark a task as done; return the next one of its series, or None."""
    done = await patch(user, task, status="done")
    assert done["status"] == "done"
    behind = [one for one in await list_series(user, task) if one["occurrence"] > task["occurrence"]]
    return behind[0] if behind else None


async def test_the_next_is_made_when_one_is_done(make_user: Any, make_project: MakeProject) -> None:
    ada, bob = await make_user(), await make_user()
    project = str(await make_project(owner=ada, editor=bob))
    repeat = {"frequency": "monthly", "until": "2031-04-30"}
    first = await create(
        ada, "/tasks", title="Rent", projectId=project, priority="high", dueDate="2031-01-31", repeat=repeat
    )
    assert first["repeat"] == {"frequency": "monthly", "every": 1, "until": "2031-04-30", "timezone": "UTC"}
    assert (first["occurrence"], (await patch(ada, first, repeat=repeat))["version"]) == (0, 1)
    # Concurrent completions make one next task.
    answers = await asyncio.gather(
        *(
            insist(who.client, "PATCH", f"/tasks/{first['id']}", json={"status": "done"})
            for who in (ada, bob) * 4
        )
    )
    assert [answer.status for answer in answers] == [200] * 8
    old, second = await list_series(ada, first)
    assert (old["status"], second["status"], second["dueDate"]) == ("done", "todo", "2031-02-28")
    assert (second["title"], second["priority"], second["number"]) == ("Rent", "high", 2)
    assert second["creator"]["id"] == str(ada.id) and second["repeat"] == first["repeat"]
    # Reopened and done again, it makes no other next task.
    await patch(bob, first, status="review")
    assert (await finish(bob, first))["id"] == second["id"]
    # A moved due date moves only this task; the series keeps its dates.
    await patch(bob, second, dueDate="2031-03-05")
    third = await finish(ada, second)
    assert third["dueDate"] == "2031-03-31"
    fourth = await finish(ada, third)
    assert fourth["dueDate"] == "2031-04-30"
    assert await finish(ada, fourth) is None
    assert [(one["status"], one["repeat"]) for one in await list_series(ada, first)] == [("done", None)] * 4


async def test_the_wall_clock_stays_what_it_is(make_user: Any) -> None:
    ada = await make_user()
    repeat = {"frequency": "daily", "timezone": "Europe/Berlin"}
    task = await create(ada, "/tasks", title="Stand up", dueDate="2031-03-29T02:30:00+01:00", repeat=repeat)
    found = []
    for _ in range(2):
        task = await finish(ada, task)
        found.append(task["dueDate"])
    # On 30 March, 02:30 does not exist.
    assert found == ["2031-03-30T01:30:00.000000Z", "2031-03-31T00:30:00.000000Z"]
    # Another rhythm starts a new series; without one the series ends.
    weekly = await patch(ada, task, repeat={"frequency": "weekly", "every": 2, "timezone": "Europe/Berlin"})
    assert weekly["seriesId"] != task["seriesId"] and weekly["occurrence"] == 0
    then = await finish(ada, weekly)
    assert then["dueDate"] == "2031-04-14T00:30:00.000000Z"
    ended = await patch(ada, then, repeat=None, status="done")
    assert ended["seriesId"] is ended["repeat"] is None
    assert len(await list_series(ada, weekly)) == 1

    # The next date of a long overdue task is in the future; missed dates are skipped.
    today = date.fromisoformat(ended["updatedAt"][:10])
    late = await create(
        ada,
        "/tasks",
        title="Water the plants",
        dueDate=str(today - timedelta(days=9)),
        repeat={"frequency": "daily", "every": 2, "timezone": "UTC"},
    )
    assert (await finish(ada, late))["dueDate"] == str(today + timedelta(days=1))

    path = f"{API}/tasks"
    answer = await refused(ada.client.post(path, json={"title": "Never", "repeat": repeat}), 422)
    assert list(answer["errors"]) == ["repeat"]
    wrong = {"frequency": "daily", "timezone": "Europe/Atlantis"}
    body = {"title": "Nowhere", "dueDate": "2031-01-01", "repeat": wrong}
    answer = await refused(ada.client.post(path, json=body), 422)
    assert list(answer["errors"]) == ["repeat.timezone"]
    # PostgreSQL would store the last date of Python's calendar as infinity.
    endless = {"frequency": "daily", "until": "9999-12-31"}
    await refused(ada.client.post(path, json={**body, "dueDate": "2031-01-31", "repeat": endless}), 422)
    answer = await refused(ada.client.post(path, json={**body, "repeat": {"frequency": "hourly"}}), 422)
    assert list(answer["errors"]) == ["repeat.frequency"]
    # As `until`, the last date of Python's calendar would mean no end at all.
    for until in ("0001-01-01", "9999-12-31", "2030-12-31"):
        endless = {"frequency": "daily", "until": until}
        answer = await refused(ada.client.post(path, json={**body, "repeat": endless}), 422)
        assert list(answer["errors"]) == ["repeat.until"]
    # No next task is made beyond the last allowed date.
    far = {"dueDate": "2999-12-30", "repeat": {"frequency": "monthly"}}
    assert await finish(ada, await create(ada, "/tasks", title="In a thousand years", **far)) is None
