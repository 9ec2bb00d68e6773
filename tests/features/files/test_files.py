"""Files over the API: made, read, replaced beside editors, moved, restored."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.api import API, get_json, refused
from tests.features.projects.helpers import found

pytestmark = pytest.mark.shared


async def make(user, project, **body):
    """A new file of the project."""
    answer = await user.client.post(f"{API}/projects/{project}/files", json=body)
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def test_a_file_from_its_first_content_to_the_trash_and_back(make_user):
    ada = await make_user()
    project = await found(ada)
    file = await make(ada, project, path="docs/Plan.md", content="one\r\ntwo\r\n")
    assert (file["kind"], file["eol"], file["type"]) == ("text", "crlf", "text/markdown")
    place = f"{API}/files/{file['id']}"
    answer = await ada.client.get(f"{place}/content")
    assert await answer.read() == b"one\r\ntwo\r\n"
    tag = answer.headers["ETag"]
    for path in ("DOCS/plan.md", "docs", "docs/plan.md/x"):
        body = {"path": path}
        await refused(ada.client.post(f"{API}/projects/{project}/files", json=body), 409, "path_taken")
    for path in ("", "/a", "a//b", "a/../b", ".GIT/config", "a:b", "a\nb", "é" * 300):
        await refused(ada.client.post(f"{API}/projects/{project}/files", json={"path": path}), 422)
    put = await ada.client.put(f"{place}/content", data=b"one\r\n2\r\n", headers={"If-Match": tag})
    assert put.status == 200, await put.text()
    await refused(ada.client.put(f"{place}/content", data=b"x", headers={"If-Match": tag}), 412)
    rows = (await get_json(ada.client, f"/files/{file['id']}/versions"))["data"]
    assert [(row["n"], row["cause"]) for row in rows] == [(2, "put"), (1, "created")]
    restored = await ada.client.post(f"{place}/versions/1/restore")
    assert restored.status == 200, await restored.text()
    assert await (await ada.client.get(f"{place}/content")).read() == b"one\r\ntwo\r\n"
    archive = await ada.client.get(f"{API}/projects/{project}/archive")
    with zipfile.ZipFile(io.BytesIO(await archive.read())) as packed:
        assert packed.read("docs/Plan.md") == b"one\r\ntwo\r\n"
    moved = await ada.client.patch(f"{API}/projects/{project}/folders", json={"from": "docs", "to": "texts"})
    assert await moved.json() == {"files": 1}
    assert (await ada.client.delete(place)).status == 204
    await make(ada, project, path="texts/plan.md")
    await refused(ada.client.post(f"{place}/restore"), 409, "path_taken")
