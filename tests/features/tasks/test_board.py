"""The board of a project: places, drags, and a client fed by frames alone."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from nexcorp.features.tasks import ranks
from tests.api import API, blocked, create, fetch, fetch_value, get_json, insist, meet_crosswise, refused
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, join
from tests.features.tasks.test_live import all_shown
from tests.leaving import leave as leave_service
from tests.realtime.helpers import ask, subscribe

pytestmark = pytest.mark.shared

STATUSES = ("todo", "in_progress", "review", "done", "cancelled")


async def read_board(user: Any, project: Any) -> dict[str, list[dict[str, Any]]]:
    """Fetch the board; return each column's tasks by status."""
    board = await get_json(user.client, f"/projects/{project}/board?limit=100")
    assert [column["status"] for column in board["columns"]] == list(STATUSES)
    assert all(column["total"] == len(column["data"]) for column in board["columns"])
    return {column["status"]: column["data"] for column in board["columns"]}


def name(column: list[dict[str, Any]]) -> list[str]:
    """The titles of a column, in their order."""
    return [task["title"] for task in column]


async def drag(user: Any, task: Any, expected: int = 200, **body: Any) -> Any:
    """PATCH a task with `body`; return the answer's body."""
    answer = await user.client.patch(f"{API}/tasks/{task['id']}", json=body)
    assert answer.status == expected, await answer.text()
    return await answer.json()


async def test_a_drag_is_one_patch(make_user: Any, make_project: MakeProject) -> None:
    ada, eve = await make_user(), await make_user()
    project = await make_project(editor=ada)
    a, b, c = [await create(ada, "/tasks", title=title, projectId=str(project)) for title in "abc"]
    alone = await create(ada, "/tasks", title="alone")
    await refused(eve.client.get(f"{API}/projects/{project}/board"), 404, "project_not_found")
    moved = await drag(ada, c, place={"before": a["id"]})
    assert moved["version"] == 1 and moved["updatedAt"] == c["updatedAt"]
    await drag(ada, a, place={"after": b["id"]})
    assert name((await read_board(ada, project))["todo"]) == ["c", "b", "a"]
    started = await drag(ada, b, status="in_progress", version=1)
    assert started["version"] == 2
    await drag(ada, c, status="in_progress", version=1, place={"before": b["id"]})
    board = await read_board(ada, project)
    assert (name(board["todo"]), name(board["in_progress"])) == (["a"], ["c", "b"])
    # A drag by the version before another user's move.
    stale = await drag(ada, b, 409, status="done", version=1, place={"after": a["id"]})
    assert stale["current"]["status"] == "in_progress"
    for wrong in ({"after": b["id"]}, {"after": a["id"], "before": a["id"]}, {}, {"before": alone["id"]}):
        await drag(ada, a, 422, place=wrong)
    await drag(ada, alone, 422, place={"after": a["id"]})
    page = await get_json(ada.client, f"/projects/{project}/board?status=in_progress&limit=1")
    [column] = page["columns"]
    cursor = column["nextCursor"]
    rest = await get_json(ada.client, f"/projects/{project}/board?status=in_progress&limit=1&cursor={cursor}")
    assert name(column["data"] + rest["columns"][0]["data"]) == ["c", "b"]


async def test_a_drag_that_spreads_and_a_change_of_many_wait_for_each_other(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada = await make_user()
    project = await make_project(owner=ada)
    a, b, c = [await create(ada, "/tasks", title=title, projectId=str(project)) for title in "abc"]
    ids = [UUID(task["id"]) for task in (a, b, c)]
    crowd = (
        "UPDATE tasks SET rank = u.rank FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, rank) "
        "WHERE tasks.id = u.id"
    )
    await fetch(service, crowd, ids)

    async def wait_for(count: int) -> None:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"

        async def enough() -> bool:
            return bool(await fetch_value(service, waiting) >= count)

        await wait_until(enough)

    changes = {"items": [{"id": task["id"], "priority": "urgent"} for task in (a, c)]}
    async with service.db.transaction(wait=5) as conn:
        await conn.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", ids[0])
        bulk = asyncio.create_task(ada.client.patch(f"{API}/tasks", json=changes))
        await wait_for(1)
        moved = asyncio.create_task(drag(ada, c, place={"before": b["id"]}))
        await wait_for(2)
    # The first one holds all its locks already, so neither is cancelled in a deadlock.
    assert (await bulk).status == 200 and (await moved)["priority"] == "urgent"
    assert name((await read_board(ada, project))["todo"]) == ["a", "c", "b"]


async def test_a_hundred_drags_to_one_spot(
    make_user: Any, make_project: MakeProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The usual gap has room for twenty drags, this one for fewer.
    monkeypatch.setattr(ranks, "GAP", 2**11)
    ada = await make_user()
    project = await make_project(editor=ada)
    tasks = [await create(ada, "/tasks", title=f"{n}", projectId=str(project)) for n in range(12)]
    first, others = tasks[0], tasks[1:]
    await fetch(service, "UPDATE tasks SET rank = number * 2048 WHERE project_id = $1", project)
    for start in range(0, 100, 10):
        calls = [
            insist(
                ada.client,
                "PATCH",
                f"/tasks/{others[(start + n) % 11]['id']}",
                json={"place": {"after": first["id"]}},
            )
            for n in range(10)
        ]
        answers = await asyncio.gather(*calls)
        assert {answer.status for answer in answers} == {200}
    column = (await read_board(ada, project))["todo"]
    assert column[0]["id"] == first["id"]
    places = [task["rank"] for task in column]
    assert len(set(places)) == 12 and max(map(abs, places)) <= ranks.LIMIT


async def test_a_spread_that_meets_a_bulk_change_crosswise_is_done_behind_it(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada = await make_user()
    project = await make_project(editor=ada)
    a, b, c = [await create(ada, "/tasks", title=title, projectId=str(project)) for title in "abc"]
    await fetch(service, "UPDATE tasks SET rank = number WHERE project_id = $1", project)
    lock = "SELECT FROM tasks WHERE id = $1 FOR NO KEY UPDATE"
    # The drag has locked c and wants b, which is in its way.
    dragging = drag(ada, c, place={"after": a["id"]})
    await meet_crosswise(service, dragging, (lock, UUID(b["id"])), (lock, UUID(c["id"])))
    assert name((await read_board(ada, project))["todo"]) == ["a", "c", "b"]


async def test_a_drag_of_what_leaves_the_column_meanwhile_shows_where_it_went(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada = await make_user()
    project = await make_project(owner=ada)
    a, b = [await create(ada, "/tasks", title=title, projectId=str(project)) for title in "ab"]
    path, place = f"{API}/tasks/{b['id']}", {"before": a["id"]}
    async with service.db.transaction(wait=5) as other:
        await sql.task_board.lock_column(other, project_id=project, status="todo")
        dragging = asyncio.create_task(ada.client.patch(path, json={"place": place}))
        await wait_until(lambda: blocked(service))
        moved = "UPDATE tasks SET status = 'review', version = version + 1 WHERE id = $1"
        await other.execute(moved, UUID(b["id"]))
    found = await refused(dragging, 409, "stale_version")
    assert (found["current"]["status"], found["current"]["version"]) == ("review", 2)


def test_ranks_find_room_wherever_it_is() -> None:
    assert ranks.find_middle(4, 5) is None and ranks.find_middle(4, 6) == 5
    assert ranks.find_middle(ranks.LIMIT, None) is None
    assert ranks.spread(3, 0, 100) is None
    for bounds in ((0, 2**20), (None, 5), (5, None), (None, None)):
        found = ranks.spread(100, *bounds)
        assert found is not None and found == sorted(set(found))
    whole = ranks.spread(2**20, None, None)
    assert whole is not None and max(map(abs, whole)) <= ranks.LIMIT


class Mirror:
    """A client's copy of a board: as it was fetched, with the frames of the project's room applied."""

    def __init__(self, board: dict[str, Any]) -> None:
        self.tasks = {task["id"]: task for column in board["columns"] for task in column["data"]}

    def apply(self, frame: dict[str, Any]) -> None:
        data = frame["data"]
        if frame["event"] in ("task:created", "task:updated", "task:assigned"):
            self.tasks[data["id"]] = {key: value for key, value in data.items() if key != "changed"}
        elif frame["event"] == "task:deleted":
            self.tasks.pop(data["id"], None)
        elif frame["event"] == "task:reordered":
            for task_id, rank in data["ranks"].items():
                if task_id in self.tasks:
                    self.tasks[task_id]["rank"] = rank

    def columns(self) -> dict[str, list[dict[str, Any]]]:
        """Each column's tasks in order, by status."""
        found: dict[str, list[dict[str, Any]]] = {status: [] for status in STATUSES}
        for task in sorted(self.tasks.values(), key=lambda task: (task["rank"], task["id"])):
            found[task["status"]].append({key: task[key] for key in task if key != "watching"})
        return found


async def act(chance: random.Random, people: list[Any], projects: list[str], tasks: list[str]) -> None:
    """Make one random change as a random user; it may be refused."""
    who, project = chance.choice(people), chance.choice(projects)
    if not tasks or chance.random() < 0.25:
        body: dict[str, Any] = {"title": f"task {len(tasks)}", "projectId": project}
        if tasks and chance.random() < 0.5:
            body["parentId"] = chance.choice(tasks)
        answer = await who.client.post(f"{API}/tasks", json=body)
        if answer.status == 201:
            tasks.append((await answer.json())["id"])
        return
    path, other = f"{API}/tasks/{chance.choice(tasks)}", chance.choice(tasks)
    change: dict[str, Any] = chance.choice(
        [
            {"status": chance.choice(STATUSES)},
            {"status": chance.choice(STATUSES), "place": {"after": other}},
            {"place": {"before": other}},
            {"place": {"after": other}},
            {"title": f"title {chance.random()}", "priority": "urgent"},
            {"projectId": chance.choice([*projects, None])},
            {"assigneeId": str(chance.choice(people).id)},
        ]
    )
    if chance.random() < 0.1:
        await who.client.delete(path)
    else:
        await who.client.patch(path, json=change)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_board_on_frames_alone_is_the_one_that_is_fetched(
    seed: int,
    make_user: Any,
    make_project: MakeProject,
    service: Any,
    connect: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ranks, "GAP", 16)
    monkeypatch.setattr(ranks, "LEAST_GAP", 4)
    monkeypatch.setattr(ranks, "SPREAD", 4)
    chance = random.Random(seed)
    people = [await make_user() for _ in range(3)]
    first, second = await make_project(owner=people), await make_project(owner=people[:2])
    viewer = await make_user()
    await join(service, first, viewer, "viewer")
    projects, tasks = [str(first), str(second)], []
    for _ in range(15):
        await act(chance, people, projects, tasks)
    live = await connect(viewer)
    board = await get_json(viewer.client, f"/projects/{first}/board?limit=100")
    place = {"epoch": board["epoch"], "seq": board["seq"]}
    mirror = Mirror(board)
    assert (await subscribe(live, f"project:{first}", **place))["recovered"]
    for _ in range(60):
        await act(chance, people, projects, tasks)
    await wait_until(lambda: all_shown(service))
    await ask(live, "ping")
    for frame in live.frames:
        if frame.get("room") == f"project:{first}":
            mirror.apply(frame)
    fetched = {
        status: [{key: task[key] for key in task if key != "watching"} for task in column]
        for status, column in (await read_board(viewer, first)).items()
    }
    assert mirror.columns() == fetched


async def test_a_board_lives_through_what_tasks_refer_to(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    """A lead is merged, another deleted, a parent purged, and an assignee leaves."""
    ada, boss, bob = await make_user(), await make_user(role="admin"), await make_user()
    project = str(await make_project(owner=[ada, bob]))
    leads = [await create(boss, "/leads", name=f"Lead {n}") for n in range(3)]
    parent = await create(ada, "/tasks", title="Parent", projectId=project)
    child = await create(ada, "/tasks", title="Child", projectId=project, parentId=parent["id"])
    gone = await create(ada, "/tasks", title="In the trash", projectId=project, parentId=parent["id"])
    held = await create(ada, "/tasks", title="His", projectId=project, assigneeId=str(bob.id))
    sold = [
        await create(boss, "/tasks", title="Sell", projectId=project, leadId=lead["id"]) for lead in leads[1:]
    ]
    for task in (gone, parent):
        assert (await ada.client.delete(f"{API}/tasks/{task['id']}")).status == 204
    live = await connect(ada)
    board = await get_json(ada.client, f"/projects/{project}/board?limit=100")
    await subscribe(live, f"project:{project}", epoch=board["epoch"], seq=board["seq"])
    body = {"fromId": leads[1]["id"]}
    for answer in (
        await boss.client.post(f"{API}/leads/{leads[0]['id']}/merge", json=body),
        await boss.client.delete(f"{API}/leads/{leads[2]['id']}"),
        await boss.client.delete(f"{API}/tasks/{parent['id']}/purge"),
    ):
        assert answer.ok, await answer.text()
    async with service.db.transaction(wait=5) as conn:
        await leave_service(conn, bob.id)
    await wait_until(lambda: all_shown(service))
    await ask(live, "ping")
    mirror = Mirror(board)
    for frame in live.frames:
        if frame.get("room") == f"project:{project}":
            mirror.apply(frame)
    fetched = (await read_board(ada, project))["todo"]
    assert mirror.columns()["todo"] == [
        {key: task[key] for key in task if key != "watching"} for task in fetched
    ]
    now = {task["id"]: task for task in fetched}
    assert [now[task["id"]]["leadId"] for task in sold] == [leads[0]["id"], None]
    assert (now[child["id"]]["parentId"], now[held["id"]]["assignee"]) == (None, None)
    for task, name_, was, is_now in (
        (child, "parentId", parent["id"], None),
        (sold[0], "leadId", leads[1]["id"], leads[0]["id"]),
        (sold[1], "leadId", leads[2]["id"], None),
        (held, "assigneeId", str(bob.id), None),
    ):
        last = (await get_json(ada.client, f"/tasks/{task['id']}/history"))["data"][0]
        assert (last["changed"], last["before"], last["after"]) == ([name_], {name_: was}, {name_: is_now})
        assert last["version"] == now[task["id"]]["version"] == 2
    # Nobody is notified of these changes.
    assert not await fetch(
        service, "SELECT type, variant, entity_id FROM notifications WHERE receiver_id = $1", ada.id
    )
