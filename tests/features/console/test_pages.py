"""The pages that need no sign-in: the invitation at `/` and the API documents."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.features.console.browsers import Visitor, check_axe


async def test_the_first_page_leads_on(visit: Visitor) -> None:
    """All its links work; it can be read in both colour schemes, and fits on a phone."""
    page = await visit("/", viewport={"width": 390, "height": 844})
    await expect(page.get_by_role("heading", level=1)).to_have_text("NexCorp Connect")
    await check_axe(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    links = await page.get_by_role("link").evaluate_all("links => links.map((link) => link.href)")
    assert links
    for link in links:
        answer = await page.request.get(link)
        assert answer.ok, link


@pytest.mark.long(10)
async def test_the_documents_are_read_and_tried(visit: Visitor) -> None:
    """Swagger UI shows the document without requests to other hosts, and calls an operation."""
    page = await visit("/api/docs")
    await expect(page.get_by_role("heading", name="NexCorp Connect").first).to_be_visible()
    # Swagger UI renders only operations near the visible part of the page.
    for tag in ("GraphQL", "Service"):
        await page.locator(f"#operations-tag-{tag}").evaluate("tag => tag.scrollIntoView()")
    health = page.locator("#operations-Service-show_health")
    await health.locator(".opblock-summary-control").click()
    await health.get_by_role("button", name="Try it out").click()
    await health.get_by_role("button", name="Execute").click()
    await expect(health.locator(".live-responses-table tbody")).to_contain_text("200")
