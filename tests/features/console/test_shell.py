"""The console's frame: signing in and out, tabs, keys, languages, a phone, and the cost of the first load."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe

MakeUser = Callable[..., Awaitable[User]]
# Files loaded until the console had its session: [modules, bytes as they were sent].
FIRST_LOOK = """() => {
  const shown = performance.getEntriesByName("shown")[0].startTime;
  const files = performance.getEntriesByType("resource").filter((one) =>
    one.name.includes("/app/-/") && one.startTime < shown);
  return [files.filter((one) => one.name.endsWith(".js")).length,
    files.reduce((sum, one) => sum + one.encodedBodySize, 0)];
}"""


async def expect_live(page: Page) -> None:
    """Wait until the page has its live connection."""
    await expect(page.locator(".live")).to_have_text("Live")


async def fits(page: Page) -> bool:
    """Whether the page fits into the window's width."""
    wide: bool = await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return wide


async def test_the_first_look(page: Page) -> None:
    """A person with a session is in the feed at once, and live. It costs few modules and bytes."""
    await expect_live(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Feed")
    await expect(page).to_have_title(re.compile("Feed"))
    modules, size = await page.evaluate(FIRST_LOOK)
    assert modules <= 15
    assert size <= 60_000
    await check_axe(page)


async def test_signing_in_and_out(visit: Visitor, make_user: MakeUser) -> None:
    """A wrong password is reported, the right one leads to the page asked for; signing out ends all tabs."""
    ada = await make_user()
    page = await visit("/app/people")
    await check_axe(page)
    visit.allow("status of 401 .*/auth/login")
    await page.get_by_label("E-mail address").fill(ada.email)
    await page.get_by_label("Password", exact=True).fill("not the password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await page.get_by_label("Password", exact=True).fill(ada.password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("People")
    await expect_live(page)
    await page.evaluate("sessionStorage['nexcorp-draft-x'] = 'A secret'; sessionStorage.other = 'kept'")
    other = await page.context.new_page()
    await other.goto("/app/")
    await expect_live(other)
    await other.get_by_role("button", name="Account").click()
    await other.get_by_role("button", name="Sign out").click()
    for tab in (other, page):
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in to NexCorp Connect")
    # Drafts do not wait for the next person who signs in.
    assert await page.evaluate("Object.keys(sessionStorage)") == ["other"]
    await other.reload()
    await expect(other.get_by_role("heading", level=1)).to_have_text("Sign in to NexCorp Connect")


async def test_registering(visit: Visitor) -> None:
    """Errors stand beside their fields; then the new person is signed in."""
    page = await visit("/app/")
    visit.allow("status of 422 .*/auth/register")
    await page.get_by_role("button", name="Register").click()
    await check_axe(page)
    await page.get_by_label("E-mail address").fill("new@example.com")
    await page.get_by_label("Password", exact=True).fill("password123")
    await page.get_by_role("button", name="Register").click()
    await expect(page.get_by_role("alert").filter(has_text=re.compile("."))).to_be_visible()
    await page.get_by_label("Password", exact=True).fill("a longer word than most")
    await page.get_by_role("button", name="Register").click()
    await expect_live(page)
    await expect(page.get_by_text("not confirmed yet")).to_be_visible()


async def test_three_tabs_reloaded_together_stay_signed_in(page: Page) -> None:
    """They share one session, whose token changes with each refresh; a used one would end it."""
    tabs = [page, await page.context.new_page(), await page.context.new_page()]
    for tab in tabs[1:]:
        await tab.goto("/app/")
    for _ in range(3):
        await asyncio.gather(*(tab.reload() for tab in tabs))
    for tab in tabs:
        await expect_live(tab)


async def test_keys(page: Page) -> None:
    """Pages, search, commands and the list of keys by keyboard; keys typed into fields do nothing else."""
    await expect_live(page)
    heading = page.get_by_role("heading", level=1)
    await page.keyboard.press("g")
    await page.keyboard.press("u")
    await expect(heading).to_have_text("People")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Commands")).to_be_focused()
    for _ in range(9):
        await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option", selected=True)).to_be_in_viewport()
    await page.keyboard.type("expl")
    await expect(page.get_by_role("option", selected=True)).to_have_text("Explore")
    await page.keyboard.press("Enter")
    await expect(heading).to_have_text("Explore")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox", name="Search", exact=True)).to_be_focused()
    await page.keyboard.type("g u?")
    await expect(page.get_by_role("searchbox", name="Search", exact=True)).to_have_value("g u?")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/app/search\?q=g%20u%3F"))
    await page.go_back()
    await expect(heading).to_have_text("Explore")


async def test_on_a_phone_in_german(visit: Visitor, make_user: MakeUser) -> None:
    """The browser's language is used; at 390 px nothing overflows, and all pages are within reach."""
    page = await visit(
        "/app/", await make_user(), viewport={"width": 390, "height": 844}, has_touch=True, locale="de-DE"
    )
    await expect(page.locator(".live")).to_have_class(re.compile(r"\blive live\b"))
    assert await page.evaluate("document.documentElement.lang") == "de"
    assert await fits(page)
    await page.locator("nav.tabs button").click()
    await page.locator("nav.more-pages a[href='/app/people']").click()
    await expect(page).to_have_url(re.compile("/app/people$"))
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).not_to_have_text("People")
    assert await fits(page)
    await check_axe(page)
