"""CSV files of tasks: imported by a job, row by row; exported as a stream; re-imported without a change."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from aiohttp import FormData

from nexcorp.domain.tables import MAX_FILE_BYTES, MAX_ROWS, guard, read_names, unguard, write_names
from tests.api import API, bring_in, create, fetch, fetch_value, get_json, outbox_empty, refused
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject
from tests.features.tasks.test_live import read_all
from tests.realtime.helpers import subscribe

pytestmark = pytest.mark.shared
CSV = {"Content-Type": "text/csv"}


async def take_out(user: Any, query: str) -> str:
    """Export a list as CSV."""
    answer = await user.client.get(f"{API}/tasks/export.csv{query}")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text: str = await answer.text()
    return text


def counts(created: int = 0, updated: int = 0, skipped: int = 0, failed: int = 0) -> dict[str, int]:
    return {"created": created, "updated": updated, "skipped": skipped, "failed": failed}


def test_what_is_guarded_comes_back() -> None:
    for text in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "''@", "'quoted'", "plain", "", "a=b"):
        assert unguard(guard(text)) == text
        assert guard(text)[:1] not in {*"=+-@", "\t", "\r"}
    names = ["a, b", 'with "quotes"', "plain"]
    assert read_names(write_names(names)) == names
    assert read_names("bug, design") == ["bug", "design"]


async def test_out_and_in_again_changes_nothing(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    ada, bob, viewer = await make_user(), await make_user(), await make_user()
    project = str(await make_project(owner=ada, editor=bob, viewer=viewer))
    for name in ("bug", "to do, later"):
        await create(ada, "/labels", name=name, color="#ff0000", projectId=project)
    live = await connect(bob)
    await subscribe(live, f"project:{project}")
    text = (
        "externalRef,title,description,status,priority,assignee,labels,dueDate\r\n"
        f'a-1,\'=HYPERLINK(1),"two\r\nlines",done,urgent,{bob.username},"bug,""to do, later""",2026-03-01\r\n'
        "a-2,Plain,'-1 of these,,,,,2026-03-01T10:00:00Z\r\n"
        "a-3,Open,,,,,BUG,\r\n"
    )
    looked = await bring_in(ada, f"/tasks/import?projectId={project}&dryRun=true", text)
    assert (looked["dryRun"], looked["counts"], looked["rowErrors"]) == (True, counts(created=3), [])
    assert (await get_json(ada.client, f"/tasks?project={project}"))["data"] == []
    first = await bring_in(ada, f"/tasks/import?projectId={project}", text)
    assert (first["counts"], first["rowErrors"]) == (counts(created=3), [])
    listed = (await get_json(bob.client, f"/tasks?project={project}&page=1"))["data"]
    by_ref = {task["externalRef"]: task for task in listed}
    one = by_ref["a-1"]
    assert (one["title"], one["status"], one["priority"]) == ("=HYPERLINK(1)", "done", "urgent")
    assert one["assignee"]["id"] == str(bob.id) and one["completedAt"] is not None
    assert [label["name"] for label in one["labels"]] == ["bug", "to do, later"]
    assert by_ref["a-2"]["description"] == "-1 of these"
    assert sorted(task["number"] for task in listed) == [1, 2, 3]
    frames = await read_all(live, service)
    [frame, mine] = [frame for frame in frames if frame["event"].startswith("task:")]
    assert {frame["room"], mine["room"]} == {f"project:{project}", f"user:{bob.id}"}
    assert (frame["event"], frame["data"]) == ("task:imported", {"importId": first["id"], "count": 3})
    told = (await get_json(ada.client, "/notifications"))["data"]
    assert [(row["type"], row["message"]) for row in told] == [
        ("import_done", "3 tasks were made or changed.")
    ]
    assert [row["id"] for row in (await get_json(bob.client, "/search?kind=task&q=hyperlink"))["data"]] == [
        one["id"]
    ]

    out = await take_out(bob, f"?project={project}&sort=priority")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [row["externalRef"] for row in rows] == ["a-1", "a-3", "a-2"]
    assert rows[0]["title"] == "'=HYPERLINK(1)" and rows[0]["assignee"] == bob.username
    for query in (f"?projectId={project}", ""):
        assert (await bring_in(bob, f"/tasks/import{query}", out))["counts"] == counts(skipped=3)
    assert (await bring_in(ada, f"/tasks/import?projectId={project}", text))["counts"] == counts(skipped=3)
    assert (await bring_in(viewer, "/tasks/import", out))["counts"] == counts(skipped=3)
    assert {
        task["version"] for task in (await get_json(ada.client, f"/tasks?project={project}"))["data"]
    } == {1}
    changed = await bring_in(ada, f"/tasks/import?projectId={project}", text.replace("Plain", "Changed"))
    assert changed["counts"] == counts(updated=1, skipped=2)
    events = "SELECT count(*) FROM events WHERE type = 'task.imported' AND actor_id = $1"
    assert await fetch_value(service, events, ada.id) == 2
    assert await take_out(ada, "?status=cancelled") == await take_out(bob, "?status=cancelled")


async def test_each_row_stands_or_falls_by_itself(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    project = str(await make_project(owner=ada, viewer=bob))
    secret = await create(eve, "/tasks", title="Private")
    seen = await create(ada, "/tasks", title="Seen", projectId=project)
    blocker = await create(bob, "/tasks", title="First")
    blocked = await create(bob, "/tasks", title="Then")
    await bob.client.put(f"{API}/tasks/{blocked['id']}/blockers/{blocker['id']}")
    text = (
        "id,externalRef,title,status,assignee,labels\n"
        ",b-1,Good,,,\n"
        ",b-2,,,,\n"
        ",b-3,Bad,finished,,\n"
        ",b-1,Again,,,\n"
        ",,Whose,,nobody_at_all,\n"
        ",,Labelled,,,unknown\n"
        f"{secret['id']},,Mine,,,\n"
        f"{seen['id']},,Mine,,,\n"
        f"{blocker['id']},,First,done,,\n"
        "no-id,,Bad,,,\n"
    )
    found = await bring_in(bob, "/tasks/import", text)
    assert found["counts"] == counts(created=1, failed=9)
    assert [(error["row"], error["field"], error["code"]) for error in found["rowErrors"]] == [
        (3, "title", "validation_failed"),
        (4, "status", "validation_failed"),
        (5, "externalRef", "duplicate_row"),
        (6, "assignee", "validation_failed"),
        (7, "labels", "validation_failed"),
        (8, "id", "task_not_found"),
        (9, "id", "not_your_task"),
        (10, "status", "has_followers"),
        (11, "id", "validation_failed"),
    ]
    assert (await get_json(eve.client, f"/tasks/{secret['id']}"))["title"] == "Private"
    # Without a project, a reference names only one's own tasks.
    assert (await bring_in(eve, "/tasks/import", "externalRef,title\nb-1,Mine\n"))["counts"] == counts(
        created=1
    )
    path = f"{API}/tasks/import"
    for wrong in (
        "",
        "title\n",
        "name\nx\n",
        "title,title\na,b\n",
        'title\n"open',
        "title\na,b\n",
        "title\n\0\n",
    ):
        await refused(bob.client.post(path, data=wrong, headers=CSV), 422, "validation_failed")
    long = "title\n" + "x\n" * (MAX_ROWS + 1)
    await refused(bob.client.post(path, data=long, headers=CSV), 422, "validation_failed")
    await refused(bob.client.post(path, data=io.BytesIO(b"x" * (MAX_FILE_BYTES + 1)), headers=CSV), 413)
    await refused(bob.client.post(path, json={"title": "x"}), 415)
    await refused(
        bob.client.post(f"{path}?projectId={project}", data="title\nx\n", headers=CSV),
        422,
        "validation_failed",
    )
    form = FormData()
    form.add_field("file", b"title\nFrom a form\n", filename="tasks.csv", content_type="text/csv")
    answer = await bob.client.post(path, data=form)
    assert answer.status == 202, await answer.text()
    await refused(eve.client.get(f"{API}/imports/{(await answer.json())['id']}"), 404, "import_not_found")
    await wait_until(lambda: outbox_empty(service))


async def test_each_task_tells_which_file_it_is_of(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob = await make_user(), await make_user()
    project = str(await make_project(owner=ada, editor=bob))
    path = f"/tasks/import?projectId={project}"
    form = FormData()
    text = f"externalRef,title,status,assignee,dueDate\nh-1,Before,,{bob.username},2026-03-01\n"
    form.add_field("file", text.encode(), filename="plan.csv", content_type="text/csv")
    answer = await ada.client.post(API + path, data=form)
    first = (await answer.json())["id"]
    await wait_until(lambda: outbox_empty(service))

    async def is_read() -> bool:
        return (await get_json(ada.client, f"/imports/{first}"))["finishedAt"] is not None

    await wait_until(is_read)
    assert (await get_json(ada.client, f"/imports/{first}"))["fileName"] == "plan.csv"
    [task] = (await get_json(bob.client, f"/tasks?project={project}"))["data"]
    history = f"/tasks/{task['id']}/history"
    [made] = (await get_json(bob.client, history))["data"]
    assert (made["type"], made["actor"]["id"], made["version"]) == ("task.created", str(ada.id), 1)
    assert made["file"] == {"importId": first, "name": "plan.csv"}
    assert (made["after"]["dueDate"], made["after"]["assigneeId"]) == ("2026-03-01", str(bob.id))

    second = await bring_in(
        bob, path, "externalRef,title,status,assignee,dueDate\nh-1,After,done,,2026-03-01T10:00:00Z\n"
    )
    assert second["fileName"] is None
    await bob.client.patch(f"{API}/tasks/{task['id']}", json={"priority": "low"})
    by_hand, given, moved, _ = (await get_json(ada.client, history))["data"]
    assert (by_hand["changed"], by_hand["file"]) == (["priority"], None)
    assert (given["type"], given["before"], given["after"]) == (
        "task.assigned",
        {"assigneeId": str(bob.id)},
        {"assigneeId": None},
    )
    assert moved["file"] == given["file"] == {"importId": second["id"], "name": None}
    assert (moved["changed"], moved["actor"]["id"]) == (["title", "status", "dueDate"], str(bob.id))
    assert moved["before"] == {"status": "todo", "dueDate": "2026-03-01"}
    assert moved["after"] == {"status": "done", "dueDate": "2026-03-01T10:00:00.000000Z"}
    assert moved["texts"] == [{"field": "title", "before": "Before", "after": "After"}]


async def test_parents_go_out_and_in(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    project, elsewhere = str(await make_project(owner=ada)), str(await make_project(owner=ada))
    path = f"/tasks/import?projectId={project}"
    top = await create(ada, "/tasks", title="Top", projectId=project)
    other = await create(ada, "/tasks", title="Other", projectId=elsewhere)
    alone = await create(ada, "/tasks", title="Alone", projectId=project)
    text = (
        "externalRef,title,parent\n"
        "p-2,Below a row further down,p-1\n"
        "p-1,Plans,\n"
        f"p-3,By number,{top['number']}\n"
        f"p-4,By id,{top['id']}\n"
        "p-5,Below a subtask of this file,p-2\n"
        f"p-6,Elsewhere,{other['id']}\n"
        "p-7,Nowhere,p-99\n"
        "p-8,Below a row that is refused,p-7\n"
    )
    found = await bring_in(ada, path, text)
    assert found["counts"] == counts(created=4, failed=4)
    assert [(error["row"], error["field"]) for error in found["rowErrors"]] == [
        (row, "parent") for row in (6, 7, 8, 9)
    ]
    assert "subtask" in found["rowErrors"][0]["message"]
    listed = (await get_json(ada.client, f"/tasks?project={project}&page=1"))["data"]
    tasks = {task["externalRef"] or task["title"]: task for task in listed}
    plans = tasks["p-1"]["id"]
    assert {name: tasks[name]["parentId"] for name in ("p-1", "p-2", "p-3", "p-4")} == {
        "p-1": None,
        "p-2": plans,
        "p-3": top["id"],
        "p-4": top["id"],
    }
    assert [tasks[name]["number"] for name in ("p-2", "p-1", "p-3", "p-4")] == [3, 4, 5, 6]
    assert (await bring_in(ada, path, "\n".join(text.split("\n")[:5])))["counts"] == counts(skipped=4)

    # A task whose parent is in the trash keeps that parent.
    assert (await ada.client.delete(f"{API}/tasks/{plans}")).status == 204
    out = await take_out(ada, f"?project={project}")
    for query in (path, "/tasks/import"):
        assert (await bring_in(ada, query, out))["counts"] == counts(skipped=5)
    assert (await ada.client.post(f"{API}/tasks/{plans}/restore")).status == 200

    # As over REST: no subtask of a subtask, none below a task that waits for it, no parent becomes a subtask.
    await ada.client.put(f"{API}/tasks/{alone['id']}/blockers/{top['id']}")
    wrong = (
        "id,externalRef,title,parent\n"
        f"{top['id']},,Top,p-1\n"
        f"{alone['id']},,Alone,{top['id']}\n"
        f"{tasks['p-1']['id']},,Plans,{tasks['p-1']['id']}\n"
        f"{tasks['p-3']['id']},,By number,p-2\n"
        f"{tasks['p-4']['id']},,By id,p-9\n"
        ",p-9,New,\n"
        f"{tasks['p-2']['id']},,Below a row further down,\n"
    )
    found = await bring_in(ada, path, wrong)
    assert found["counts"] == counts(created=1, updated=2, failed=4)
    assert [error["code"] for error in found["rowErrors"]] == [
        "has_subtasks",
        "link_cycle",
        "validation_failed",
        "validation_failed",
    ]
    moved = await get_json(ada.client, f"/tasks/{tasks['p-4']['id']}")
    assert (moved["parentId"] not in (None, top["id"]), moved["version"]) == (True, 2)
    assert (await get_json(ada.client, f"/tasks/{tasks['p-2']['id']}"))["parentId"] is None

    # A task that the importing user does not see cannot be a parent.
    secret = await create(bob, "/tasks", title="Private")
    [error] = (await bring_in(ada, "/tasks/import", f"title,parent\nx,{secret['id']}\n"))["rowErrors"]
    assert error["field"] == "parent"


async def test_whoever_is_given_tasks_is_told_once(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    ada, bob, cyd = await make_user(), await make_user(), await make_user()
    project = str(await make_project(owner=ada))
    path = f"/tasks/import?projectId={project}"
    live = await connect(bob)
    text = (
        "externalRef,title,assignee\n"
        f"g-1,One,{bob.username}\n"
        f"g-2,Two,{bob.id}\n"
        f"g-3,Three,{cyd.username}\n"
        f"g-4,Four,{ada.username}\n"
    )
    first = await bring_in(ada, path, text)
    [frame] = [one for one in await read_all(live, service) if one["event"] == "task:imported"]
    assert (frame["room"], frame["data"]) == (f"user:{bob.id}", {"importId": first["id"], "count": 4})

    async def read_told(user: Any) -> list[tuple[str, str, str]]:
        await wait_until(lambda: outbox_empty(service))
        rows = (await get_json(user.client, "/notifications"))["data"]
        return [(row["type"], row["title"], row["message"]) for row in rows]

    assert await read_told(bob) == [("task_assigned", f"{ada.username} assigned 2 tasks to you", "One")]
    assert await read_told(cyd) == [("task_assigned", f"{ada.username} assigned a task to you", "Three")]
    assert [kind for kind, _, _ in await read_told(ada)] == ["import_done"]
    # On reassignment only the new assignee is notified; the former one gets a frame.
    await bring_in(ada, path, text.replace(f"{bob.id}", cyd.username))
    assert len(await read_told(bob)) == 1 and len(await read_told(cyd)) == 2
    frames = [one for one in await read_all(live, service) if one["event"] == "task:imported"]
    assert [one["data"]["count"] for one in frames] == [1]

    # A deactivated assignee keeps a task, but cannot be given one.
    out = await take_out(ada, f"?project={project}")
    await fetch(service, "UPDATE users SET status = 'deactivated' WHERE id = $1", cyd.id)
    assert (await bring_in(ada, path, out))["counts"] == counts(skipped=4)
    [error] = (await bring_in(ada, path, f"title,assignee\nx,{cyd.username}\n"))["rowErrors"]
    assert error["field"] == "assignee"
