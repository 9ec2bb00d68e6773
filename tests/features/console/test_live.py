"""Other people's changes appear at once, each one once, whatever happened to the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.api import API, publish, say
from tests.clients import User
from tests.features.console.browsers import HIDE, Visitor
from tests.features.console.test_shell import expect_live

MakeUser = Callable[..., Awaitable[User]]


async def follow(who: User, whom: User) -> None:
    """Let `who` follow `whom`, so that posts by `whom` reach the feed of `who`."""
    answer = await who.client.put(f"{API}/users/{whom.id}/follow")
    assert answer.status == 200


async def test_likes_and_comments_reach_a_second_browser(visit: Visitor, make_user: MakeUser) -> None:
    """Ada posts, likes and comments with the mouse; Grace's page shows it without any action of hers."""
    ada, grace = await make_user(), await make_user()
    await follow(grace, ada)
    mine, hers = await visit("/app/", ada), await visit("/app/", grace)
    await expect_live(mine)
    await expect_live(hers)
    await mine.get_by_label("New post").fill("Lunch on Friday, <b>all</b> of us? @" + grace.username)
    await mine.keyboard.press("Control+Enter")
    await expect(mine.get_by_role("article")).to_have_count(1)
    await expect(mine.get_by_label("New post")).to_have_value("")
    # New posts wait behind a button, unless Grace's page was just reading the feed.
    fresh, post = hers.get_by_role("button", name="1 new post"), hers.get_by_role("article")
    await expect(fresh.or_(post)).to_be_visible()
    if await fresh.is_visible():
        await fresh.click()
    await expect(post).to_contain_text("<b>all</b> of us?")
    await expect(hers.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    await post.get_by_role("button", name="0 likes").click()
    await expect(mine.get_by_role("button", name="1 like", exact=True)).to_be_visible()
    await mine.get_by_role("button", name="0 comments").click()
    await post.get_by_role("button", name="0 comments").click()
    await post.get_by_label("New comment").fill("I bring a cake")
    await post.get_by_label("New comment").press("Enter")
    await expect(mine.get_by_role("article").get_by_text("I bring a cake")).to_be_visible()
    await expect(mine.get_by_role("button", name="1 comment", exact=True)).to_be_visible()
    await post.get_by_role("button", name="1 like", exact=True).click()
    await expect(mine.get_by_role("button", name="0 likes")).to_be_visible()


async def test_what_was_missed_comes_once_and_in_order(visit: Visitor, make_user: MakeUser) -> None:
    """A browser is offline while five comments are written: it then shows each once, in order."""
    ada, grace = await make_user(), await make_user()
    post = await publish(ada, "Who comes?")
    page = await visit(f"/app/posts/{post['id']}", ada)
    visit.allow("ERR_INTERNET_DISCONNECTED")
    await expect_live(page)
    await say(grace, post["id"], "Comment 0")
    await expect(page.locator(".comments .comment")).to_have_count(1)
    await page.context.set_offline(True)
    for number in range(1, 6):
        await say(grace, post["id"], f"Comment {number}")
    await page.context.set_offline(False)
    await expect(page.locator(".comments .comment p")).to_have_text(
        [f"Comment {number}" for number in range(6)]
    )
    await expect(page.get_by_role("button", name="6 comments")).to_be_visible()
    await expect_live(page)


async def test_a_draft_outlives_being_offline(visit: Visitor, make_user: MakeUser) -> None:
    """Text that could not be sent is marked and kept, across a reload, too; then it is sent once."""
    page = await visit("/app/", await make_user())
    visit.allow("ERR_INTERNET_DISCONNECTED")
    await expect_live(page)
    await page.context.set_offline(True)
    await page.get_by_label("New post").fill("Written in a tunnel")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(page.get_by_text("Kept as a draft")).to_be_visible()
    await page.context.set_offline(False)
    await page.reload()
    await expect_live(page)
    await expect(page.get_by_label("New post")).to_have_value("Written in a tunnel")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(page.get_by_role("article")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_label("New post")).to_have_value("")


async def test_following_and_finding_people(visit: Visitor, make_user: MakeUser) -> None:
    """A person is found and followed from the list; their profile shows that."""
    ada, grace = await make_user(), await make_user("hopper")
    await publish(grace, "A post of hers")
    page = await visit("/app/people", ada)
    await expect_live(page)
    await page.get_by_role("searchbox", name="Find people by name").fill(grace.username)
    row = page.locator(".people li")
    await expect(row).to_have_count(1)
    await row.get_by_role("button", name="Follow").click()
    await expect(row.get_by_role("button", name="Following")).to_have_attribute("aria-pressed", "true")
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(grace.username)
    await expect(page.get_by_text("A post of hers")).to_be_visible()
    await expect(page.get_by_role("button", name="Following")).to_be_visible()


async def test_the_feed_is_not_moved_and_nothing_runs_away(visit: Visitor, make_user: MakeUser) -> None:
    """Ten new posts of another person wait behind one button, newest first; deleted posts go at once."""
    ada, grace = await make_user(), await make_user()
    await follow(ada, grace)
    await publish(grace, "An older one")
    # Coming from another page, the feed is read once, after its room was joined.
    page = await visit("/app/people", ada)
    await expect_live(page)
    await page.keyboard.press("g")
    await page.keyboard.press("f")
    posts = page.get_by_role("article")
    await expect(posts).to_have_count(1)
    made: list[Any] = [await publish(grace, f"Post {number}") for number in range(10)]
    await page.get_by_role("button", name="10 new posts").click()
    await expect(posts).to_have_count(11)
    await expect(posts.locator(".body")).to_have_text(
        [post["body"] for post in reversed(made)] + ["An older one"]
    )
    # The page asks once more for a deleted post whose room it had not joined yet: a 404.
    visit.allow("status of 404 .*/posts/")
    await asyncio.gather(*(grace.client.delete(f"{API}/posts/{post['id']}") for post in made[:3]))
    await expect(posts).to_have_count(8)


@pytest.mark.long(20)
async def test_what_could_not_be_read_is_read_again(visit: Visitor, make_user: MakeUser) -> None:
    """A post opened while the service is busy for long appears later, without a click."""
    ada = await make_user()
    post = await publish(ada, "Worth the wait")
    page, asked = await visit(None, ada), 0

    async def refuse(route: Route) -> None:
        nonlocal asked
        asked += 1
        await route.fulfill(status=503, json={"code": "unavailable", "message": "Busy."})

    address = f"**/api/v1/posts/{post['id']}"
    await page.route(address, refuse)
    await page.goto(f"/app/posts/{post['id']}")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    await page.unroute(address)
    await expect(page.get_by_role("article")).to_contain_text("Worth the wait")
    assert asked > 1, "what is busy for a moment is asked again before it is told"


async def test_of_hidden_tabs_one_stays_connected(visit: Visitor, make_user: MakeUser) -> None:
    """After five minutes one hidden tab is still connected; when it is closed, the other one takes over."""
    first = await visit(None, await make_user())
    second = await first.context.new_page()
    for page in (first, second):
        await page.clock.install()
        await page.goto("/app/")
        await expect_live(page)
    for page in (first, second):
        await page.evaluate(HIDE, True)
        await page.clock.fast_forward(300_000)
    await expect(second.locator(".live")).not_to_have_text("Live")
    await expect_live(first)
    await first.close()
    await expect_live(second)
    await second.evaluate(HIDE, False)
    await expect_live(second)
