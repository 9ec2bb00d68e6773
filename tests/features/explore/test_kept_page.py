"""The first page of explore from the cache: two nodes, changes, and a Redis that is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexcorp.config import Config
from nexcorp.embedded import ValkeyServer
from nexcorp.features.explore import routes
from nexcorp.web import cache
from nexcorp.web.cache import CACHE
from tests.api import API, get_json, publish
from tests.clients import PATIENCE
from tests.conftest import Client, wait_until


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait long for Redis, so that a busy machine does not look like a lost Redis."""
    monkeypatch.setattr(cache, "WAIT_SECONDS", PATIENCE)


@pytest.fixture
def config(config: Config, own_valkey: ValkeyServer) -> Config:
    """The service's settings, with a Valkey for this test alone."""
    return replace(config, redis_url=own_valkey.url)


@pytest.fixture
def nodes(client: Client, service: Any, second_node: str) -> Any:
    """`nodes(user)`: clients of the user, one for each web process."""

    def both(user: Any) -> list[Client]:
        return [user.client, Client(client.session, second_node, user.headers)]

    return both


async def explored(client: Client) -> list[str]:
    return [post["body"] for post in (await get_json(client, "/explore"))["data"]]


async def is_kept(service: Any) -> bool:
    """Whether the page is in the cache; the first ask may time out on a cold connection."""
    return bool(await service.app[CACHE].client.exists("nexcorp:cache:explore:20"))


async def warm(service: Any, clients: list[Client]) -> None:
    """Read explore until its page is in the cache."""

    async def asked() -> bool:
        for client in clients:
            await explored(client)
        return await is_kept(service)

    await wait_until(asked)


async def test_counters_and_ones_own_part_are_live(service: Any, nodes: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    for client in nodes(ann):
        await warm(service, [client])
        await client.put(f"{API}/posts/{post['id']}/like")
        for viewer, liked in ((ann, True), (bob, False)):
            for asked in nodes(viewer):
                (shown,) = (await get_json(asked, "/explore"))["data"]
                assert (shown["liked"], shown["likeCount"]) == (liked, 1)
        await client.delete(f"{API}/posts/{post['id']}/like")
    plain = await get_json(ann.client, "/posts")
    assert (await get_json(ann.client, "/explore"))["data"] == plain["data"]


async def test_the_order_follows_within_seconds(service: Any, nodes: Any, make_user: Any) -> None:
    ann = await make_user()
    first, _ = [await publish(ann, body=body) for body in ("first", "second")]
    await warm(service, nodes(ann))
    await ann.client.put(f"{API}/posts/{first['id']}/like")

    async def moved() -> bool:
        return [await explored(client) for client in nodes(ann)] == [["first", "second"]] * 2

    await wait_until(moved)


async def test_changes_show_at_once_on_every_node(
    service: Any, nodes: Any, make_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "KEEP_SECONDS", 60)
    boss = await make_user(role="manager")
    here, there = nodes(boss)
    posts = []
    for number in range(3):
        await warm(service, [here, there])
        posts.append(await publish(boss, body=f"{number}", type="announcement"))
        for client in (here, there):
            assert (await explored(client))[0] == f"{number}"
    path = f"{API}/posts/{posts[1]['id']}"
    await warm(service, [here, there])
    await there.patch(path, json={"body": "changed"})
    assert await explored(here) == await explored(there) == ["2", "changed", "0"]
    await warm(service, [here, there])
    await here.put(f"{path}/status", json={"status": "archived"})
    assert await explored(here) == await explored(there) == ["2", "0"]
    await warm(service, [here, there])
    await there.delete(f"{API}/posts/{posts[0]['id']}")
    assert await explored(here) == await explored(there) == ["2"]


async def test_a_new_name_and_one_that_goes_show_at_once_on_every_node(
    service: Any, nodes: Any, make_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "KEEP_SECONDS", 60)
    ann, bob = await make_user(), await make_user()
    await publish(ann)

    async def names() -> set[str]:
        pages = [await get_json(client, "/explore") for client in nodes(bob)]
        return {page["data"][0]["author"]["firstName"] for page in pages}

    await warm(service, nodes(bob))
    await ann.client.patch(f"{API}/users/me", json={"firstName": "Ann"})
    assert await names() == {"Ann"}
    await warm(service, nodes(bob))
    await ann.client.delete(f"{API}/users/me")
    assert await names() == {"Former"}


async def test_pages_behind_a_kept_one_join_it(service: Any, nodes: Any, make_user: Any) -> None:
    ann = await make_user()
    for number in range(5):
        await publish(ann, body=f"{number}")
    for client in nodes(ann):
        first = await get_json(client, "/explore?limit=2")
        again = await get_json(client, "/explore?limit=2")
        assert first == again
        rest = await get_json(client, f"/explore?limit=5&cursor={again['nextCursor']}")
        assert [post["body"] for post in (*again["data"], *rest["data"])] == ["4", "3", "2", "1", "0"]


async def test_without_redis_everything_is_as_it_is(
    service: Any, nodes: Any, make_user: Any, own_valkey: ValkeyServer
) -> None:
    ann = await make_user()
    await publish(ann, body="0")
    await warm(service, nodes(ann))
    own_valkey.kill()
    for number in range(1, 4):
        post = await publish(ann, body=f"{number}")
        for client in nodes(ann):
            assert (await explored(client))[0] == f"{number}"
    await ann.client.delete(f"{API}/posts/{post['id']}")
    for client in nodes(ann):
        assert await explored(client) == ["2", "1", "0"]
    own_valkey.start()
    await warm(service, nodes(ann))
    await publish(ann, body="back")
    for client in nodes(ann):
        assert (await explored(client))[0] == "back"
