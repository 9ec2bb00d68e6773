"""The demo company, and its people who act on a running service."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp

from nexcorp import lively
from nexcorp.documents.examples import EXAMPLE_ID
from nexcorp.domain.demo import ADA, DEMO_PASSWORD, PEOPLE
from nexcorp.seed import seed
from tests.api import API, fetch, fetch_value, get_json, outbox_empty
from tests.conftest import wait_until
from workers.jobs.imports import run_imports
from workers.jobs.tasks import remind_due

# Types of notifications, except those about a failing repository or webhook, which need another server.
TOLD = {
    *("announcement", "assignment", "comment", "comment_added", "follow", "import_done", "interest"),
    *("lead_created", "like", "member_added", "mention", "message", "project_status", "score_updated"),
    *("security", "task_assigned", "task_completed", "task_due", "task_updated"),
}


async def sign_in(client: Any) -> None:
    """Sign the client in as Ada."""
    body = {"email": PEOPLE[ADA].email, "password": DEMO_PASSWORD, "platform": "cli"}
    answer = await client.post(f"{API}/auth/login", json=body)
    client.headers["Authorization"] = f"Bearer {(await answer.json())['accessToken']}"


async def test_the_demo_company_shows_what_there_is(service: Any, client: Any) -> None:
    await seed(service.config)
    events = await fetch_value(service, "SELECT count(*) FROM events")
    await seed(service.config)
    assert await fetch_value(service, "SELECT count(*) FROM events") == events
    assert await fetch_value(service, "SELECT count(*) FROM users") == len(PEOPLE)
    context = {"database": service.db}
    await run_imports(context)

    async def is_reminded() -> bool:
        await remind_due(context)
        return bool(await fetch_value(service, "SELECT count(*) FROM events WHERE type = 'task.due'"))

    await wait_until(is_reminded)
    await sign_in(client)
    # Notifications of messages wait ten seconds, in case the receiver reads the message.
    await fetch(service, "UPDATE outbox SET next_at = now() RETURNING id")
    # Only the service wakes the worker, not the seed.
    assert (await client.put(f"{API}/posts/{EXAMPLE_ID}/like")).status == 200
    await wait_until(lambda: outbox_empty(service))
    told = (await get_json(client, "/notifications?limit=100"))["data"]
    assert {one["type"] for one in told} == TOLD
    posts = (await get_json(client, "/posts"))["data"]
    assert Counter(post["type"] for post in posts) == {"normal": 5, "project": 3, "announcement": 1}
    assert len({post["createdAt"][:13] for post in posts}) == len(posts)
    pictures = [picture for post in posts for picture in post["uploads"]]
    assert len(pictures) == 3 and all(picture["alt"] for picture in pictures)
    for picture in pictures:
        answer = await client.get(f"/media/{picture['url'].rpartition('/')[2]}")
        assert (answer.status, (await answer.read())[:4]) == (200, b"\x89PNG")
    leads = (await get_json(client, "/leads"))["data"]
    files = await fetch_value(service, "SELECT count(*) FROM files")
    assert (len(leads), files) == (8, 3)


async def test_people_of_an_older_home_stay_as_they_are(service: Any, make_user: Any) -> None:
    await make_user("ada")
    await seed(service.config)
    assert [row["username"] for row in await fetch(service, "SELECT username FROM users")] == ["ada"]


async def count_deeds(service: Any) -> Counter[str]:
    """Count Grace's events by type."""
    query = "SELECT e.type FROM events AS e JOIN users AS u ON u.id = e.actor_id WHERE u.username = 'grace'"
    return Counter(row["type"] for row in await fetch(service, query))


async def test_demo_people_act_over_http(service: Any, monkeypatch: Any) -> None:
    await seed(service.config)
    before = await count_deeds(service)
    async with aiohttp.ClientSession() as http:
        people = dict(await lively.find_people(http, service.url))
        assert list(people) == [person.first_name for person in PEOPLE[1:]]
        grace = people["Grace"]
        for act in (lively.like, lively.comment, lively.publish, lively.move, lively.write, lively.follow):
            assert await act(grace), act
        # A token that is refused is refreshed.
        grace._access = "old"
        assert await lively.publish(grace)
    done = await count_deeds(service) - before
    assert done == {
        **{"user.logged_in": 1, "post.liked": 1, "comment.created": 1, "post.created": 2, "task.updated": 1},
        **{"message.created": 1, "user.followed": 1},
    }

    said: list[str] = []
    stop = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            stop.set()

    monkeypatch.setattr(lively, "SECONDS", 0.01)
    await asyncio.wait_for(lively.go_on(service.url, stop, say), 20)
    assert {line.partition(" ")[0] for line in said} <= set(people)
    # People who acted have signed out again; only Grace's session above is open.
    open_sessions = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"
    await wait_until(lambda: is_one(service, open_sessions))


async def is_one(service: Any, query: str) -> bool:
    """Whether a query counts exactly one row; for wait_until()."""
    return bool(await fetch_value(service, query) == 1)


async def test_nobody_acts_where_there_are_no_demo_people(service: Any) -> None:
    said: list[str] = []
    stop = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        stop.set()

    await asyncio.wait_for(lively.go_on(service.url, stop, say), 20)
    assert said == ["there are no demo people here: nobody acts"]
    assert await fetch_value(service, "SELECT count(*) FROM events") == 0
