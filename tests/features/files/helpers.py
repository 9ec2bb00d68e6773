"""Files as tests make and read them: over the API."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from tests.api import API, create
from tests.features.projects.helpers import found


async def make(user: Any, project: str, path: str, content: str = "") -> dict[str, Any]:
    """A new file of the project."""
    return await create(user, f"/projects/{project}/files", path=path, content=content)


async def make_alone(user: Any, content: str = "", path: str = "plan.md") -> dict[str, Any]:
    """A new file of a project of its own, which is private."""
    return await make(user, await found(user), path, content)


async def put(user: Any, file_id: Any, content: Any, tag: str | None = None) -> Any:
    """The answer to a new content; `tag` is sent as If-Match."""
    headers = {} if tag is None else {"If-Match": tag}
    # aiohttp warns of large bytes that are sent as such.
    content = BytesIO(content) if isinstance(content, bytes) else content
    return await user.client.put(f"{API}/files/{file_id}/content", data=content, headers=headers)


async def save(user: Any, file_id: Any, content: bytes | str) -> str:
    """Give a file a new content; returns the ETag of that."""
    answer = await put(user, file_id, content)
    assert answer.status == 200, await answer.text()
    return str(answer.headers["ETag"])


async def read(user: Any, file_id: Any, **headers: str) -> tuple[bytes, str]:
    """The content of a file, and its ETag."""
    answer = await user.client.get(f"{API}/files/{file_id}/content", headers=headers)
    assert answer.status in (200, 206), await answer.text()
    return await answer.read(), answer.headers["ETag"]
