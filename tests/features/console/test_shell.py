"""The console itself: signing in, the live connection, keys, a phone, and what it costs to show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe

MakeUser = Callable[..., Awaitable[User]]


async def test_signed_in_and_live(page: Page) -> None:
    """A person with a session is in the feed at once, and their connection is live; all can be read."""
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    await check_axe(page)
