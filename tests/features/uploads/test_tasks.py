"""Uploads on tasks: visible with the task, kept whoever owns them, and deleted with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api import create, fetch, get_json, refused
from tests.features.tasks.conftest import make_project  # noqa: F401
from tests.features.uploads.files import API, stored, upload
from workers.jobs.uploads import make_thumbnails, remove_uploads

pytestmark = pytest.mark.usefixtures("asleep")


def ids(task):
    """The ids of a task's uploads."""
    return [item["id"] for item in task["uploads"]]


async def test_files_of_a_task(make_user, make_project, service, job_context, config):  # noqa: F811
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    project = await make_project(owner=ada, editor=bob)
    first, second, theirs = (await upload(ada))["id"], (await upload(ada))["id"], (await upload(bob))["id"]
    task = await create(ada, "/tasks", title="Files", projectId=str(project), uploadIds=[second, first])
    assert ids(task) == [second, first]
    assert (await bob.client.get(f"{API}/uploads/{first}")).status == 200
    await refused(eve.client.get(f"{API}/uploads/{first}"), 404, "upload_not_found")
    path = f"{API}/tasks/{task['id']}"

    async def change(user, **fields):
        return await user.client.patch(path, json=fields)

    same = await (await change(ada, uploadIds=[second, first])).json()
    assert same["version"] == task["version"]
    # Others' uploads on the task stay; one may add only one's own uploads that are on nothing else.
    both = await (await change(bob, uploadIds=[first, theirs])).json()
    assert ids(both) == [first, theirs] and both["version"] == task["version"] + 1
    other = await create(ada, "/tasks", title="Other")
    await refused(
        ada.client.patch(f"{API}/tasks/{other['id']}", json={"uploadIds": [first]}), 422, "validation_failed"
    )
    await refused(
        ada.client.post(f"{API}/posts", json={"body": "Hi.", "uploadIds": [first]}), 422, "validation_failed"
    )
    await refused(change(ada, uploadIds=[second]), 422, "validation_failed")

    # Uploads on a task are not swept.
    await fetch(service, "UPDATE uploads SET created_at = created_at - $1::interval", timedelta(days=2))
    assert await make_thumbnails(job_context) == 3
    shown = await get_json(bob.client, f"/tasks/{task['id']}")
    assert ids(shown) == [first, theirs] and shown["uploads"][0]["thumbnailUrl"] is not None
    assert await remove_uploads(job_context) == 1

    await refused(bob.client.delete(f"{API}/uploads/{first}"), 403, "not_your_upload")
    assert (await ada.client.patch(f"{API}/uploads/{first}", json={"alt": "A picture"})).status == 200
    described = await get_json(bob.client, f"/tasks/{task['id']}")
    assert described["uploads"][0]["alt"] == "A picture" and described["version"] == both["version"] + 1
    assert (await bob.client.delete(f"{API}/uploads/{theirs}")).status == 204
    assert ids(await get_json(ada.client, f"/tasks/{task['id']}")) == [first]

    admin = await make_user(role="admin")
    assert (await ada.client.delete(path)).status == 204
    await refused(bob.client.get(f"{API}/uploads/{first}"), 404, "upload_not_found")
    assert (await admin.client.delete(f"{path}/purge")).status == 204
    assert await remove_uploads(job_context) == 2
    assert stored(config) == []
