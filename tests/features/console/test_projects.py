"""Projects: made, filled, shared and deleted by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.api import API, create
from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe
from tests.features.console.test_shell import expect_live, fits

MakeUser = Callable[..., Awaitable[User]]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c63606060f80f0001040100"
    "5fe5c34b0000000049454e44ae426082"
)


async def act(page: Page, name: str, action: str) -> None:
    """Choose something from the menu of a file or folder."""
    await page.get_by_role("button", name=f"What to do with {name}").click()
    await page.get_by_role("menuitem", name=action).click()


async def test_a_project_from_its_first_file_to_the_trash(visit: Visitor, make_user: MakeUser) -> None:
    """A project gets files, a folder, a picture; they are moved, deleted and restored; a member watches."""
    ada, grace = await make_user(), await make_user()
    visit.allow("status of 404 .*/repository")
    mine = await visit("/app/projects", ada)
    await expect(mine.get_by_text("No projects yet")).to_be_visible()
    await mine.get_by_role("button", name="New project").click()
    await mine.get_by_label("Name", exact=True).fill("Engine")
    await mine.get_by_role("dialog").get_by_role("button", name="New project").click()
    await expect(mine.get_by_role("heading", level=1)).to_have_text("Engine")
    place = mine.url
    await check_axe(mine)

    await mine.get_by_role("link", name="Members").click()
    await mine.get_by_role("combobox", name="Add somebody by name").fill(grace.username)
    await mine.get_by_role("option").first.wait_for()
    await mine.keyboard.press("Enter")
    await expect(mine.locator(".members > li")).to_have_count(2)
    await check_axe(mine)
    # The last owner cannot be demoted, and the page says why.
    visit.allow("status of 409")
    row = mine.locator(".members > li", has_text=f"@{ada.username}")
    await row.get_by_role("combobox").select_option("viewer")
    await expect(mine.get_by_text("A project keeps an owner")).to_be_visible()
    await expect(row.get_by_role("combobox")).to_have_value("owner")

    hers = await visit(place, grace)
    await expect(hers.get_by_text("No files yet")).to_be_visible()
    await expect_live(hers)
    await mine.get_by_role("link", name="Files", exact=True).click()
    await mine.get_by_role("button", name="New file").click()
    await mine.get_by_label("Path").fill("docs/plan.md")
    await mine.keyboard.press("Enter")
    await expect(mine.locator(".cm-content")).to_be_visible()
    await expect(hers.get_by_role("link", name="plan.md").first).to_be_visible()
    await expect(hers.get_by_role("region", name="Being edited now")).to_contain_text("docs/plan.md")
    await mine.go_back()
    async with mine.expect_file_chooser() as chooser:
        await act(mine, "docs", "Upload here")
    await (await chooser.value).set_files({"name": "dot.png", "mimeType": "image/png", "buffer": PNG})
    await hers.get_by_role("link", name="dot.png").click()
    await expect(hers.locator(".picture img")).to_be_visible()
    await check_axe(hers)
    await hers.go_back()
    await act(mine, "plan.md", "Rename or move")
    await mine.get_by_label("Path").fill("notes/Plan of all.md")
    await mine.keyboard.press("Enter")
    await expect(hers.get_by_role("button", name="notes 1 file")).to_be_visible()
    await act(mine, "dot.png", "Delete")
    await expect(hers.get_by_role("link", name="dot.png")).to_have_count(0)
    await mine.get_by_role("button", name="Deleted files").click()
    await mine.get_by_role("button", name="Restore").click()
    await expect(hers.get_by_role("link", name="dot.png")).to_be_visible()
    await mine.keyboard.press("Escape")
    async with mine.expect_download() as loaded:
        await mine.get_by_role("button", name="Download as zip").click()
    assert (await loaded.value).suggested_filename.endswith(".zip")

    for tab in ("Activity", "Repository", "Settings"):
        await mine.get_by_role("link", name=tab, exact=True).click()
        await expect(mine.get_by_role("link", name=tab, exact=True)).to_have_attribute("aria-current", "page")
        await check_axe(mine)
    await mine.get_by_label("Name", exact=True).fill("Engines")
    await mine.get_by_role("radio", name="Internal").check()
    await mine.get_by_role("button", name="Save").click()
    await expect(hers.get_by_role("heading", level=1)).to_have_text("Engines")
    await mine.get_by_label("Type “Engines” to go on").fill("Engines")
    await mine.get_by_role("button", name="Delete the project").click()
    await expect(hers.get_by_role("alert")).to_contain_text("deleted")
    await mine.get_by_role("button", name="Undo").click()
    await expect(mine.get_by_role("heading", level=1)).to_have_text("Engines")


async def test_the_list_is_filtered(visit: Visitor, make_user: MakeUser) -> None:
    """By role, visibility and name, which the address keeps; on a phone nothing scrolls sideways."""
    ada, grace = await make_user(), await make_user()
    names = {"Alpha of ours": "private", "Beta of ours": "internal"}
    for name, visibility in names.items():
        await create(ada, "/projects", name=name, visibility=visibility)
    page = await visit("/app/projects?role=mine", ada, viewport={"width": 390, "height": 800})
    items = page.locator(".project-list > li")
    await expect(items).to_have_count(2)
    assert await fits(page)
    await page.get_by_label("Who reads it").select_option("internal")
    await expect(items).to_have_count(1)
    await page.reload()
    await expect(items).to_contain_text(["Beta of ours"])
    await page.get_by_label("Who reads it").select_option("")
    await page.get_by_label("Find a project").fill("alpha")
    await expect(items).to_contain_text(["Alpha of ours"])
    await check_axe(page)
    # A reader sees an open project, without buttons for actions that readers may not take.
    found = (await (await ada.client.get(f"{API}/projects?q=Beta+of+ours&role=mine")).json())["data"][0]
    hers = await visit(f"/app/projects/{found['id']}", grace)
    await expect(hers.get_by_text("No files yet")).to_be_visible()
    await expect(hers.get_by_role("button", name="New file")).to_have_count(0)
    await expect(hers.get_by_role("link", name="Settings", exact=True)).to_have_count(0)
