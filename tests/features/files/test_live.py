"""What the rooms of projects show of files, and what their editors are told."""

from __future__ import annotations

import pytest

from tests.api import API
from tests.features.files.helpers import make, save
from tests.features.projects.helpers import found
from tests.features.search.waiting import delivered
from tests.realtime.helpers import subscribe

pytestmark = pytest.mark.shared


async def test_the_room_of_a_project_shows_its_files(make_user, service, connect, open_file):
    ada, bob = await make_user(), await make_user()
    project = await found(ada, viewer=bob)
    live = await connect(bob)
    await subscribe(live, f"project:{project}")
    file = await make(ada, project, "a/plan.md", "one")
    place = f"{API}/files/{file['id']}"
    await save(ada, file["id"], "two")
    assert (await ada.client.patch(place, json={"path": "a/b.md"})).status == 200
    body = {"from": "a", "to": "c"}
    assert (await ada.client.patch(f"{API}/projects/{project}/folders", json=body)).status == 200
    # Frames show a file as it is when they are sent, or that it is gone.
    await delivered(service)
    editor = await open_file(ada, file["id"])
    assert (await ada.client.delete(place)).status == 204
    assert await editor.closed() == 4404
    await delivered(service)
    assert (await ada.client.post(f"{place}/restore")).status == 200
    for event, expected in (
        ("file:created", {"id": file["id"]}),
        ("file:saved", {"fileId": file["id"], "version": 2, "seq": 2, "authors": [str(ada.id)]}),
        ("file:updated", {"id": file["id"]}),
        ("folder:changed", {"id": project, "files": 1}),
        ("file:deleted", {"id": file["id"]}),
        ("file:created", {"id": file["id"], "path": "c/b.md", "contentVersion": 2}),
    ):
        frame = await live.next(event)
        assert frame["room"] == f"project:{project}"
        assert {name: frame["data"][name] for name in expected} == expected
