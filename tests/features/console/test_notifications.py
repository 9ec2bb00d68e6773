"""Notifications in the browser: the list and its actions, preferences, and pushes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

from tests.api import API, outbox_empty, publish, say
from tests.clients import Service, User, wait_until
from tests.features.console.browsers import Visitor, check_axe
from tests.features.console.test_shell import expect_live

MakeUser = Callable[..., Awaitable[User]]
CLICK = """async () => {
  const [shown] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", {notification: shown}));
}"""
# A push is shown only while no page has the focus.
UNFOCUSED = """Object.defineProperty(
  WindowClient.prototype, "focused", {configurable: true, get: () => false})"""
SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
  .map(({ title, body }) => [title, body])"""


def notice(page: Page, text: str) -> Locator:
    """The line of the list with this text."""
    return page.locator(".notices li").filter(has_text=text)


async def choose(page: Page, text: str, name: str) -> None:
    """Choose an entry of a notification's menu."""
    await notice(page, text).get_by_role("button", name="More").click()
    await page.locator(".menu:popover-open").get_by_role("button", name=name).click()


async def test_the_list(visit: Visitor, make_user: MakeUser, service: Service) -> None:
    """A group is one line; read, snoozed, archived and muted notifications are in the right list."""
    ada, grace, joan = [await make_user() for _ in range(3)]
    post = await publish(ada, "Lunch?")
    for person in (grace, joan):
        await person.client.put(f"{API}/posts/{post['id']}/like")
    await say(grace, post["id"], "Soup, please")
    await publish(grace, f"A cake for @{ada.username}")
    await wait_until(lambda: outbox_empty(service))
    page = await visit("/app/notifications", ada)
    await expect_live(page)
    lines = page.locator(".notices li:has(.notice)")
    await expect(lines).to_have_count(3)
    likes = notice(page, "liked your post")
    await expect(likes).to_contain_text(joan.username)
    await expect(likes).to_contain_text(grace.username)
    await expect(page.get_by_role("button", name="Notifications, 4 unread")).to_be_visible()

    await choose(page, "liked your post", "Mark as read")
    await expect(likes.locator(".dot")).to_have_count(0)
    await expect(page.get_by_role("button", name="Notifications, 2 unread")).to_be_visible()
    await notice(page, "mentioned you").get_by_role("button", name="More").click()
    await check_axe(page)
    await page.keyboard.press("Escape")
    await choose(page, "mentioned you", "Why did I get this?")
    trace = page.get_by_role("dialog", name="The way of this notification")
    await expect(trace).to_contain_text("the text mentions you")
    await expect(trace).to_contain_text("In the list")
    await check_axe(page)
    await page.keyboard.press("Escape")

    await notice(page, "mentioned you").get_by_role("button", name="Archive").click()
    await expect(lines).to_have_count(2)
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(lines).to_have_count(3)
    await choose(page, "mentioned you", "Tomorrow at nine")
    await expect(lines).to_have_count(2)
    await page.get_by_role("button", name="Snoozed", exact=True).click()
    await expect(lines).to_have_count(1)
    await choose(page, "mentioned you", "Back to the list now")
    await expect(lines).to_have_count(0)
    await page.get_by_role("button", name="All", exact=True).click()
    await expect(lines).to_have_count(3)

    # Muted notifications do not appear any more, and held ones say that they are held.
    await choose(page, "commented on", "Mute this")
    await expect(page.locator(".toast").last).to_contain_text("Muted")
    await say(joan, post["id"], "Cake for me")
    await wait_until(lambda: outbox_empty(service))
    await page.get_by_role("button", name="Held back").click()
    await expect(lines.filter(has_text="Muted")).to_have_count(1)
    await check_axe(page)


async def test_reading_all_leaves_what_came_since(
    visit: Visitor, make_user: MakeUser, service: Service
) -> None:
    """Marking all as read, on the page and in the bell, leaves unread what the list did not show yet."""
    ada, grace = await make_user(), await make_user()

    async def mention(text: str) -> None:
        await publish(grace, f"{text}, @{ada.username}")
        await wait_until(lambda: outbox_empty(service))

    async def unread() -> list[str]:
        answer = await ada.client.get(f"{API}/notifications?unread=true")
        return [one["message"].partition(",")[0] for one in (await answer.json())["data"]]

    await mention("Soup")
    page = await visit("/app/notifications", ada)
    await expect_live(page)
    await expect(page.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    await mention("Cake")
    await expect(page.get_by_role("button", name="1 new notification")).to_be_visible()
    await page.locator("main").get_by_role("button", name="Mark all read").click()
    await expect(page.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    assert await unread() == ["Cake"]

    # The bell cannot read its list again.
    await expect(page.locator("#bell .notice").first).to_contain_text("Cake")
    await page.route("**/api/v1/notifications?grouped=true&limit=20", lambda route: route.fulfill(status=503))
    await mention("Tea")
    await page.get_by_role("button", name="Notifications, 2 unread").click()
    await page.locator("#bell").get_by_role("button", name="Mark all read").click()
    await expect(page.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    assert await unread() == ["Tea"]


async def test_what_one_is_told_of(visit: Visitor, make_user: MakeUser) -> None:
    """A preference is saved at once, and another tab shows it without a reload."""
    ada = await make_user()
    page = await visit("/app/settings/notifications", ada)
    await expect_live(page)
    other = await page.context.new_page()
    await other.goto("/app/settings/notifications")
    await expect_live(other)
    await page.get_by_role("checkbox", name="Likes: Here").uncheck()
    await expect(other.get_by_role("checkbox", name="Likes: Here")).not_to_be_checked()
    await page.get_by_label("Comments on what is yours: Mail").select_option("always")
    await expect(other.get_by_label("Comments on what is yours: Mail")).to_have_value("always")
    await page.get_by_label("Keep quiet hours").check()
    await page.get_by_label("From", exact=True).fill("20:30")
    for each in (other, page):
        await expect(each.get_by_label("From", exact=True)).to_have_value("20:30")
    await page.get_by_label("How often").select_option("daily")
    await expect(other.get_by_label("At", exact=True)).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("From", exact=True)).to_have_value("20:30")
    await expect(page.get_by_role("checkbox", name="Likes: Here")).not_to_be_checked()
    await expect(page.get_by_label("To", exact=True)).to_have_value("07:00")


async def test_a_push_leads_to_its_thing(visit: Visitor, make_user: MakeUser, service: Service) -> None:
    """A push is shown while no page has the focus; a click opens the post and marks it read."""
    ada, grace = await make_user(), await make_user()
    post = await publish(grace, f"Lunch, @{ada.username}?")
    await wait_until(lambda: outbox_empty(service))
    told = (await (await ada.client.get(f"{API}/notifications")).json())["data"][0]
    page = await visit("/app/people", ada, permissions=["notifications"])
    await expect_live(page)
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    devtools = await page.context.new_cdp_session(page)
    found: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
    )
    await devtools.send("ServiceWorker.enable")

    async def registered() -> list[str]:
        return found

    [registration, *_] = await wait_until(registered)
    push = {"title": told["title"], "message": told["message"], "tag": "x", "notificationId": told["id"]}

    async def shown() -> object:
        # Again, as the browser may end its worker at any time; one tag is one message on the screen.
        await page.context.service_workers[-1].evaluate(UNFOCUSED)
        await devtools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": page.url.split("/app")[0], "registrationId": registration, "data": json.dumps(push)},
        )
        await asyncio.sleep(0.5)
        return await page.evaluate(SHOWN)

    assert await wait_until(shown) == [[told["title"], told["message"]]]
    await page.context.service_workers[-1].evaluate(CLICK)
    await expect(page.get_by_role("article")).to_contain_text("Lunch,")
    assert page.url.endswith(f"/app/posts/{post['id']}")
    await expect(page.get_by_role("button", name="Notifications, 0 unread")).to_be_visible()
