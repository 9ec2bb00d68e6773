"""Interest in projects: once per person, counted exactly under concurrency."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api import insist, publish
from tests.conftest import wait_until


async def make_project(user: Any, kind: str = "project") -> str:
    return str((await publish(user, type=kind, title="Idea"))["id"])


async def test_interest_is_taken_once_and_the_author_told_once(make_user: Any) -> None:
    author, keen = await make_user(), await make_user()
    path = f"/api/v1/posts/{await make_project(author)}/interest"
    for _ in range(2):
        answer = await keen.client.put(path)
        assert await answer.json() == {"interested": True, "interestCount": 1, "countsVersion": 1}
    taken_back = {"interested": False, "interestCount": 0, "countsVersion": 2}
    for _ in range(2):
        assert await (await keen.client.delete(path)).json() == taken_back
    await keen.client.put(path)

    async def told() -> list[Any]:
        rows = (await (await author.client.get("/api/v1/notifications?type=interest")).json())["data"]
        return [row["title"] for row in rows]

    await wait_until(told)
    await asyncio.sleep(0.3)
    assert len(await told()) == 1
    people = (await (await author.client.get(path + "s")).json())["data"]
    assert [row["user"]["id"] for row in people] == [str(keen.id)]


async def test_what_finds_no_interest(make_user: Any) -> None:
    author, keen = await make_user(), await make_user()
    project, normal = await make_project(author), await make_project(author, "normal")
    refusals = [
        (author, project, "own_project"),
        (keen, normal, "not_a_project"),
        (keen, "01900000-0000-7000-8000-000000000000", "post_not_found"),
    ]
    for user, post_id, code in refusals:
        answer = await user.client.put(f"/api/v1/posts/{post_id}/interest")
        assert (await answer.json())["code"] == code
    for status in ("in_progress", "completed"):
        await author.client.put(f"/api/v1/posts/{project}/status", json={"status": status})
    answer = await keen.client.put(f"/api/v1/posts/{project}/interest")
    assert (answer.status, (await answer.json())["code"]) == (409, "project_closed")


async def test_the_count_is_exact_when_all_come_at_once(make_user: Any, service: Any) -> None:
    author = await make_user()
    people = [await make_user() for _ in range(8)]
    post_id = await make_project(author)
    path = f"/posts/{post_id}/interest"
    calls = [
        insist(user.client, "PUT" if turn % 3 else "DELETE", path) for turn in range(12) for user in people
    ]
    answers = await asyncio.gather(*calls)
    assert {answer.status for answer in answers} == {200}
    async with service.db.connection() as conn:
        count = await conn.fetchval("SELECT interest_count FROM post_stats WHERE post_id = $1", post_id)
        rows = await conn.fetchval("SELECT count(*) FROM interests WHERE post_id = $1", post_id)
    assert count == rows
