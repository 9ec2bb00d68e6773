"""Messages in the browser: two people in a conversation, one of them away for a while, and a group."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

from tests.api import API, create
from tests.clients import User
from tests.features.console.browsers import HIDE, Visitor, check_axe
from tests.features.console.test_shell import expect_live

MakeUser = Callable[..., Awaitable[User]]
WRITE = "Write a message …"


async def say(page: Page, text: str) -> None:
    """Write a message into the conversation that is open."""
    await page.get_by_label(WRITE).fill(text)
    await page.keyboard.press("Enter")


def bubble(page: Page, text: str) -> Locator:
    """The message with this text."""
    return page.locator(".bubble-row").filter(has_text=text)


async def choose(page: Page, text: str, name: str) -> None:
    """Choose an entry of a message's menu."""
    await bubble(page, text).get_by_role("button", name="More").click()
    await page.locator(".menu:popover-open").get_by_role("button", name=name).click()


async def test_two_people_talk(visit: Visitor, make_user: MakeUser) -> None:
    """Each sees at once what the other writes, reads, reacts with, edits and deletes."""
    visit.allow("ERR_INTERNET_DISCONNECTED")
    ada, grace = await make_user(), await make_user()
    talk = await create(ada, "/conversations", userId=str(grace.id))
    path = f"/app/messages/{talk['id']}"
    mine, hers = await visit(path, ada), await visit("/app/messages", grace)
    await expect_live(hers)
    await expect(hers.get_by_role("heading", name="Choose a conversation")).to_be_visible()
    await say(mine, "Shall we <b>meet</b>?")
    await expect(bubble(mine, "Shall we <b>meet</b>?")).to_have_count(1)

    # The closed conversation has a badge; opening it marks it read, which the other one sees.
    row = hers.locator("a.conversation")
    await expect(row).to_contain_text("1 unread message")
    await row.click()
    await expect(bubble(hers, "Shall we <b>meet</b>?")).to_be_visible()
    await expect(row.locator(".unread-count")).to_have_count(0)
    await expect(bubble(mine, "meet")).to_contain_text("seen")

    await hers.get_by_label(WRITE).press_sequentially("On")
    await expect(mine.get_by_text("Somebody is typing")).to_be_visible()
    await say(hers, "On Friday")
    await expect(bubble(mine, "On Friday")).to_be_visible()
    await expect(mine.get_by_text("Somebody is typing")).to_have_count(0)

    await bubble(mine, "On Friday").get_by_role("button", name="More").click()
    await check_axe(mine)
    await mine.locator(".menu:popover-open").get_by_role("button", name="🎉").click()
    await expect(bubble(hers, "On Friday").get_by_role("button", name="🎉 1")).to_be_visible()
    await choose(hers, "On Friday", "Edit")
    await hers.get_by_label("Edit", exact=True).fill("On Monday")
    await hers.get_by_role("button", name="Save").click()
    await expect(bubble(mine, "On Monday")).to_contain_text("edited")
    await choose(mine, "On Monday", "Reply")
    await say(mine, "Fine")
    await expect(bubble(hers, "Fine").locator("blockquote")).to_contain_text("On Monday")
    await choose(mine, "Fine", "Delete")
    await expect(bubble(hers, "This message was deleted.")).to_be_visible()
    await expect(bubble(hers, "Fine")).to_have_count(0)

    await mine.locator("input[type=file]").set_input_files(
        {"name": "menu.txt", "mimeType": "text/plain", "buffer": b"Soup"}
    )
    await expect(mine.locator(".write")).to_contain_text("menu.txt")
    await mine.get_by_role("button", name="Send").click()
    await expect(hers.get_by_role("link", name="menu.txt")).to_be_visible()

    # A message that could not be sent is sent once, and messages written meanwhile appear once.
    await mine.context.set_offline(True)
    await say(mine, "From a tunnel")
    again = mine.get_by_role("button", name="Not sent: try again")
    await expect(again).to_be_visible()
    await say(mine, "Never mind")
    await expect(again).to_have_count(2)
    await say(hers, "Are you there?")
    await mine.context.set_offline(False)
    await expect_live(mine)
    # The unsent message survives other pages and a reload, until it is sent or discarded.
    await mine.locator("nav.side").get_by_role("link", name="Tasks").click()
    await expect(mine.get_by_role("heading", level=1)).to_have_text("Tasks")
    await mine.goto("/app/messages")
    await expect(mine.locator("a.conversation")).to_contain_text("not sent")
    await mine.locator("a.conversation").click()
    await bubble(mine, "Never mind").get_by_role("button", name="Throw away").click()
    await expect(bubble(mine, "Never mind")).to_have_count(0)
    await again.click()
    for page in (mine, hers):
        await expect(bubble(page, "From a tunnel")).to_have_count(1)
        await expect(bubble(page, "Are you there?")).to_have_count(1)
    await mine.reload()
    await expect(mine.locator(".bubble-row[data-n]")).to_have_count(6)
    await expect(mine.locator("a.conversation")).not_to_contain_text("not sent")
    await expect(bubble(mine, "From a tunnel")).to_have_count(1)
    await check_axe(mine)


async def test_what_a_hidden_tab_received(visit: Visitor, make_user: MakeUser) -> None:
    """A message that arrives in a hidden tab stays unread until the user looks at it, and no longer."""
    ada, grace = await make_user(), await make_user()
    talk = await create(ada, "/conversations", userId=str(grace.id))
    page = await visit(f"/app/messages/{talk['id']}", grace)
    await expect_live(page)
    await page.evaluate(HIDE, True)
    await create(ada, f"/conversations/{talk['id']}/messages", body="Look here")
    await expect(bubble(page, "Look here")).to_be_visible()
    row = page.locator("a.conversation")
    await expect(row).to_contain_text("1 unread message")
    await page.evaluate(HIDE, False)
    await expect(row.locator(".unread-count")).to_have_count(0)
    await page.reload()
    await expect(row).to_contain_text("Look here")
    await expect(row.locator(".unread-count")).to_have_count(0)


async def test_a_group(visit: Visitor, make_user: MakeUser) -> None:
    """Ada starts a group, removes Joan and adds her again; Joan sees the group only while she is a member."""
    visit.allow("status of 404 .*/conversations/")
    ada, grace, joan = [await make_user() for _ in range(3)]
    mine, hers = await visit("/app/messages", ada), await visit("/app/messages", joan)
    await expect_live(hers)
    await mine.get_by_role("button", name="New", exact=True).click()
    for person in (grace, joan):
        await mine.get_by_role("combobox", name="To whom?").fill(person.username)
        await mine.get_by_role("option").filter(has_text=f"@{person.username}").first.click()
    await mine.get_by_label("Name of the group").fill("Lunch")
    await check_axe(mine)
    await mine.get_by_role("button", name="Begin").click()
    await expect(mine.get_by_role("heading", level=2, name="Lunch")).to_contain_text("3 members")
    await say(mine, "Soup for all")
    row = hers.locator("a.conversation")
    await expect(row).to_contain_text("Soup for all")
    await row.click()
    await expect(bubble(hers, "Soup for all")).to_be_visible()

    await mine.get_by_role("button", name="About this conversation").click()
    dialog = mine.get_by_role("dialog", name="Lunch")
    await expect(dialog.locator(".rows li")).to_have_count(3)
    await check_axe(mine)
    await dialog.get_by_role("button", name=f"Remove {joan.username}").click()
    await expect(dialog.locator(".rows li")).to_have_count(2)
    await expect(row).to_have_count(0)
    await expect(hers.get_by_role("heading", name="Nothing is here")).to_be_visible()
    await dialog.get_by_role("combobox", name="Add somebody").fill(joan.username)
    await dialog.get_by_role("option").filter(has_text=f"@{joan.username}").first.click()
    await expect(dialog.locator(".rows li")).to_have_count(3)
    await dialog.get_by_role("button", name="Close").click()
    await expect(mine.get_by_role("heading", level=2, name=re.compile("Lunch"))).to_contain_text("3 members")
    await say(mine, "Welcome back")
    await expect(row).to_contain_text("Welcome back")
    await hers.get_by_role("button", name="Try again").click()
    await expect(bubble(hers, "Welcome back")).to_be_visible()
    await say(hers, "Thanks")
    await expect(bubble(mine, "Thanks")).to_be_visible()
    answer = await joan.client.get(f"{API}/conversations")
    assert len((await answer.json())["data"]) == 1
