"""Search finds tasks only for users who see them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.api import API, create, fetch, fetch_value, get_json, outbox_empty
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, leave

pytestmark = pytest.mark.shared


async def find(user: Any, text: str) -> list[dict[str, Any]]:
    """The tasks that a user finds."""
    found = (await get_json(user.client, f"/search?kind=task&q={quote(text)}"))["data"]
    assert all(row["kind"] == "task" for row in found)
    return found


async def find_ids(user: Any, text: str) -> list[str]:
    """The ids of the tasks that a user finds, best match first."""
    return [row["id"] for row in await find(user, text)]


async def test_who_sees_a_task_finds_it(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    manager = await make_user(role="manager")
    project = await make_project(owner=ada, viewer=bob)
    titled = await create(ada, "/tasks", title="Grumblefish report", projectId=str(project))
    told = {"title": "Other", "description": "A <b>grumblefish</b> is in here.", "projectId": str(project)}
    described = await create(ada, "/tasks", **told)
    await wait_until(lambda: outbox_empty(service))
    both = [titled["id"], described["id"]]
    for seer in (ada, bob, manager):
        assert await find_ids(seer, "grumblefishes") == both
    shown = await find(bob, "grumblefish")
    assert shown[0]["highlight"] == "<mark>Grumblefish</mark> report"
    assert "&lt;b&gt;<mark>grumblefish</mark>" in shown[1]["highlight"]
    assert shown[0]["author"]["id"] == str(ada.id) and shown[0]["title"] == "Grumblefish report"
    # Nor is one of its words suggested to a stranger.
    wrong = await get_json(eve.client, "/search?q=grumblefisch")
    assert (wrong["data"], wrong["didYouMean"]) == ([], None)
    meant = await get_json(bob.client, "/search?q=grumblefisch")
    assert meant["didYouMean"] == "grumblefish" and {row["id"] for row in meant["data"]} == set(both)
    assert await find_ids(eve, "grumblefish") == []

    await ada.client.patch(f"{API}/tasks/{described['id']}", json={"description": "Nothing."})
    assert (await ada.client.delete(f"{API}/tasks/{titled['id']}")).status == 204
    await wait_until(lambda: outbox_empty(service))
    assert await find_ids(bob, "grumblefish") == []
    assert (await ada.client.post(f"{API}/tasks/{titled['id']}/restore")).status == 200
    assert await find_ids(bob, "grumblefish") == [titled["id"]]
    await leave(service, project, bob)
    assert await find_ids(bob, "grumblefish") == []


async def test_common_words_are_looked_for_among_what_one_sees(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, eve = await make_user(), await make_user()
    manager = await make_user(role="manager")
    mine = await create(eve, "/tasks", title="A commonplace of my own")
    await fetch(
        service,
        """
        WITH made AS (
            INSERT INTO tasks (title, creator_id)
            SELECT 'commonplace ' || n, $1 FROM generate_series(1, 600) AS n
            RETURNING id, title
        )
        INSERT INTO task_documents (task_id, words) SELECT id, make_words(title, NULL) FROM made
        """,
        ada.id,
    )
    await wait_until(lambda: outbox_empty(service))
    assert await find_ids(eve, "commonplace") == [mine["id"]]
    assert len(await find_ids(ada, "commonplace")) == 20 == len(await find_ids(manager, "commonplace"))
    # This task's document was made by the worker.
    assert (
        await fetch_value(service, "SELECT count(*) FROM task_documents WHERE task_id = $1", mine["id"]) == 1
    )
    assert len(await find_ids(ada, "-commonplacex")) == 20
