"""Leads in the browser: the pipeline, a lead with its timeline, a CSV import, merging duplicates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

from tests.api import create
from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe

MakeUser = Callable[..., Awaitable[User]]


def column(page: Page, stage: str) -> Locator:
    """The links to a stage's leads, each with the lead's name."""
    return page.locator(f'[data-column="{stage}"] .card-link')


async def test_leads_move_through_the_pipeline(visit: Visitor, make_user: MakeUser) -> None:
    """A lead is added, which others see; it is moved, lost with a reason, reopened, and gets a note."""
    visit.allow("status of 409 .*/api/v1/leads")
    ada, grace = await make_user(role="admin"), await make_user(role="manager")
    await create(ada, "/leads", name="Mary", email="mary@pipeline.example", score=80)
    page, other = await visit("/app/leads", ada), await visit("/app/leads", grace)
    await expect(column(other, "new")).to_have_text(["Mary"])
    await expect(other.locator(".live.live")).to_be_visible()

    await page.get_by_role("button", name="New lead").click()
    await page.get_by_label("Name", exact=True).fill("Mary once more")
    await page.get_by_label("E-mail", exact=True).fill("Mary@Pipeline.example")
    await page.get_by_label("Value", exact=True).fill("1200")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("alert")).to_contain_text("We know this address")
    await page.get_by_role("checkbox", name="This is another one").check()
    await page.get_by_role("button", name="Create").click()
    await expect(column(other, "new")).to_have_text(["Mary", "Mary once more"])
    await check_axe(page)

    await page.get_by_role("link", name="Mary", exact=True).focus()
    await page.keyboard.press("Alt+ArrowRight")
    await expect(column(other, "contacted")).to_have_text(["Mary"])
    card = other.locator(".kanban-item", has_text="Mary once more")
    await card.drag_to(other.locator('[data-column="lost"] .kanban-cards'))
    await other.get_by_label("Reason").select_option("price")
    await other.get_by_role("button", name="Mark as lost").click()
    await expect(column(page, "lost")).to_have_text(["Mary once more"])
    await other.get_by_role("button", name="Undo").click()
    await expect(column(page, "new")).to_have_text(["Mary once more"])

    # The lead's own page: its timeline, newest first; then the twin is merged into it.
    await page.get_by_role("link", name="Mary", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Mary")
    await page.get_by_label("What was said or agreed").fill("Wants an offer.")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator(".timeline > li").first).to_contain_text("Wants an offer.")
    await expect(page.locator(".timeline > li").nth(1)).to_contain_text("Contacted")
    await page.get_by_role("group", name="Stage").get_by_role("button", name="Qualified").click()
    await expect(column(other, "qualified")).to_have_text(["Mary"])
    await check_axe(page)
    await page.get_by_role("button", name="Merge a duplicate").click()
    await page.get_by_role("option").filter(has_text="Mary once more").click()
    await page.get_by_role("dialog").get_by_role("button", name="Merge a duplicate").click()
    await expect(column(other, "new")).to_have_text([])
    await expect(page.locator(".task-side")).to_contain_text("1,200")


async def test_the_leads_that_are_known(visit: Visitor, make_user: MakeUser) -> None:
    """The form links the leads that the service names, also one that only another spelling finds."""
    visit.allow("status of 409 .*/api/v1/leads")
    boss = await make_user(role="manager")
    known = await create(boss, "/leads", name="Known by number", phone="+49 30 1234567")
    await create(boss, "/leads", name="Another", email="new@known.example.org")
    page = await visit("/app/leads", boss)
    await page.get_by_role("button", name="New lead").click()
    await page.get_by_label("Name", exact=True).fill("Somebody")
    await page.get_by_label("E-mail", exact=True).fill("new@known.example")
    await page.get_by_label("Phone", exact=True).fill("+49-30-123 45 67")
    await page.get_by_role("button", name="Create").click()
    links = page.get_by_role("alert").get_by_role("link")
    await expect(links).to_have_text(["Known by number"])
    assert (await links.first.get_attribute("href") or "").endswith(f"/leads/{known['id']}")


async def test_a_file_is_looked_at_then_taken_in(visit: Visitor, make_user: MakeUser) -> None:
    """A dry run lists errors and changes nothing. Without the permission nothing is shown."""
    boss, member = await make_user(role="manager"), await make_user()
    stranger = await visit("/app/leads", member)
    await expect(stranger.get_by_text("An administrator can give you the permission.")).to_be_visible()
    page = await visit("/app/leads", boss)
    text = "name,email,score\nOne,one@file.example,10\nTwo,two@file.example,much\n"
    await page.get_by_role("button", name="Import").click()
    await page.get_by_label("CSV file").set_input_files(
        {"name": "leads.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    await page.get_by_role("button", name="Look first").click()
    await expect(page.get_by_text("This would happen:")).to_be_visible()
    await expect(page.locator("dialog td").first).to_have_text("3")
    await expect(page.locator("dialog .figure").first).to_contain_text("1")
    await check_axe(page)
    await page.get_by_role("button", name="Take in").click()
    await expect(page.get_by_text("This was done:")).to_be_visible()
    await page.get_by_role("button", name="Close").last.click()
    await expect(page.get_by_role("link", name="One")).to_be_visible()
    await page.get_by_role("button", name="List").click()
    await page.get_by_label("Find by name").fill("one@file")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await check_axe(page)
