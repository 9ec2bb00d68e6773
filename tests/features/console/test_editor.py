"""Several people edit a file together: all see the same text; "saved" is shown only once it is true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.api import API, create, get_json
from tests.clients import User, wait_until
from tests.features.console.browsers import Visitor, check_axe

MakeUser = Callable[..., Awaitable[User]]
TEXT = "First line\nSecond line\n"


async def make_file(owner: User, member: User, role: str, path: str = "plan.md") -> dict[str, Any]:
    """Make a file in a project of the owner's, where the member has a role; return the file."""
    project = await create(owner, "/projects", name="Engine")
    place = f"{API}/projects/{project['id']}/members/{member.id}"
    assert (await owner.client.put(place, json={"role": role})).status == 200
    return await create(owner, f"/projects/{project['id']}/files", path=path, content=TEXT)


def lines(page: Page) -> Locator:
    return page.locator(".cm-content .cm-line")


async def expect_state(page: Page, state: str) -> None:
    await expect(page.locator(".save-state")).to_have_attribute("data-state", state)


async def type_at_end(page: Page, line: int, text: str) -> None:
    await lines(page).nth(line).click()
    await page.keyboard.press("End")
    await page.keyboard.type(text)


async def read_content(user: User, file: dict[str, Any]) -> str:
    answer = await user.client.get(f"{API}/files/{file['id']}/content")
    assert answer.status == 200
    return await answer.text()


async def test_two_edit_at_once_and_one_is_away_for_a_while(visit: Visitor, make_user: MakeUser) -> None:
    """Both type at once, one goes offline, both type on, and both end with the same saved text."""
    ada, grace = await make_user(), await make_user()
    file = await make_file(ada, grace, "editor")
    visit.allow("ERR_INTERNET_DISCONNECTED")
    mine, hers = await visit(f"/app/files/{file['id']}", ada), await visit(f"/app/files/{file['id']}", grace)
    for page in (mine, hers):
        await expect(lines(page)).to_have_text(["First line", "Second line", ""])
        await expect_state(page, "saved")
        await expect(page.locator(".editor-status .people-here .avatar")).to_have_count(2)
    await type_at_end(mine, 0, ", by me")
    await type_at_end(hers, 1, ", by her")
    both = ["First line, by me", "Second line, by her", ""]
    for page in (mine, hers):
        await expect(lines(page)).to_contain_text(both)
        await expect_state(page, "saved")
    assert await read_content(ada, file) == "\n".join(both)
    await expect(mine.locator(".cm-ySelectionInfo")).to_have_count(1)
    # Undo takes back only one's own typing.
    await mine.keyboard.press("Control+z")
    await expect(lines(hers)).to_contain_text(["First line", both[1], ""])
    await expect(lines(hers).nth(0)).not_to_contain_text("by me")
    await mine.keyboard.press("Control+y")
    await expect(lines(hers)).to_contain_text(both)
    await check_axe(mine)

    await hers.context.set_offline(True)
    await expect_state(hers, "offline")
    await type_at_end(hers, 1, ", on a train")
    await expect_state(hers, "kept")
    await type_at_end(mine, 0, ", at home")
    await expect_state(mine, "saved")
    assert "train" not in await read_content(ada, file)
    await expect(lines(hers).nth(0)).to_have_text("First line, by me")
    # Going to another page does not lose the text typed offline.
    await hers.get_by_role("button", name="All files").click()
    await hers.context.set_offline(False)
    both = ["First line, by me, at home", "Second line, by her, on a train", ""]
    await expect(lines(mine)).to_contain_text(both)
    await hers.go_back()
    await expect(lines(hers)).to_contain_text(both)
    for page in (mine, hers):
        await expect_state(page, "saved")
    assert await read_content(ada, file) == "\n".join(both)


async def test_a_viewer_cannot_type(visit: Visitor, make_user: MakeUser) -> None:
    """A viewer sees all typing and cannot type, but can once they are made an editor."""
    ada, linus = await make_user(), await make_user()
    file = await make_file(ada, linus, "viewer")
    mine, his = await visit(f"/app/files/{file['id']}", ada), await visit(f"/app/files/{file['id']}", linus)
    await expect(lines(his).nth(0)).to_have_text("First line")
    await expect(his.get_by_text("Read only")).to_be_visible()
    await expect(his.locator(".cm-content")).to_have_attribute("contenteditable", "false")
    await his.locator(".cm-content").focus()
    await his.keyboard.type("nonsense")
    await type_at_end(mine, 0, "!")
    await expect(lines(his)).to_contain_text(["First line!", "Second line", ""])
    await expect(his.get_by_text("Saved")).to_have_count(0)
    await check_axe(his)
    assert await read_content(ada, file) == TEXT.replace("line", "line!", 1)

    member = f"{API}/projects/{file['projectId']}/members/{linus.id}"
    assert (await ada.client.put(member, json={"role": "editor"})).status == 200
    await expect(his.get_by_text("Read only")).to_have_count(0)
    await type_at_end(his, 1, "?")
    await expect(lines(mine).nth(1)).to_contain_text("Second line?")
    await expect_state(his, "saved")
    # A removed member can still read the text, and is told why no more changes come.
    visit.allow("status of 404")
    assert (await ada.client.delete(member)).status == 204
    await expect(his.get_by_role("alert")).to_be_visible()


async def test_versions(visit: Visitor, make_user: MakeUser) -> None:
    """Typed text becomes a version after a while; an older version is viewed and restored."""
    ada, grace = await make_user(), await make_user()
    file = await make_file(ada, grace, "editor", "tool.py")
    mine, hers = await visit(f"/app/files/{file['id']}", ada), await visit(f"/app/files/{file['id']}", grace)
    await mine.get_by_role("button", name="Versions").click()
    versions = mine.locator(".version")
    await expect(versions).to_have_count(1)
    await type_at_end(hers, 0, " = 1")
    await expect(lines(mine).nth(0)).to_contain_text("First line = 1")
    await expect(versions).to_have_count(2)
    await expect(versions.nth(0)).to_contain_text("Edited")
    await versions.nth(1).click()
    await expect(mine.locator(".old-text")).to_have_text(TEXT)
    await check_axe(mine)
    await mine.get_by_role("button", name="Restore this version").click()
    for page in (mine, hers):
        await expect(lines(page)).to_contain_text(["First line", "Second line", ""])
        await expect(lines(page).nth(0)).not_to_contain_text("= 1")
    await expect(versions).to_have_count(3)

    async def kept() -> bool:
        page = await get_json(ada.client, f"/files/{file['id']}/versions")
        return [one["cause"] for one in page["data"]] == ["restored", "edited", "created"]

    await wait_until(kept)
