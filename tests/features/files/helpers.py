"""Make and read files over the API."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from tests.api import API, create
from tests.features.projects.helpers import found


async def make(user: Any, project: str, path: str, content: str = "") -> dict[str, Any]:
    """Make a file in the project; return it."""
    return await create(user, f"/projects/{project}/files", path=path, content=content)


async def make_alone(user: Any, content: str = "", path: str = "plan.md") -> dict[str, Any]:
    """Make a file in a new private project; return it."""
    return await make(user, await found(user), path, content)


async def put(user: Any, file_id: Any, content: Any, tag: str | None = None) -> Any:
    """Replace a file's content, with `tag` as If-Match; return the answer."""
    headers = {} if tag is None else {"If-Match": tag}
    # aiohttp warns of a large body that is given as bytes.
    content = BytesIO(content) if isinstance(content, bytes) else content
    return await user.client.put(f"{API}/files/{file_id}/content", data=content, headers=headers)


async def save(user: Any, file_id: Any, content: bytes | str) -> str:
    """Replace a file's content, which must succeed; return the new ETag."""
    answer = await put(user, file_id, content)
    assert answer.status == 200, await answer.text()
    return str(answer.headers["ETag"])


async def read(user: Any, file_id: Any, **headers: str) -> tuple[bytes, str]:
    """Return a file's content and its ETag."""
    answer = await user.client.get(f"{API}/files/{file_id}/content", headers=headers)
    assert answer.status in (200, 206), await answer.text()
    return await answer.read(), answer.headers["ETag"]
