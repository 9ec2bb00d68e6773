"""Settings in the browser: profile, account, devices, keys, data export, and appearance."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable

from PIL import Image
from playwright.async_api import expect

from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe
from tests.features.console.test_shell import expect_live

MakeUser = Callable[..., Awaitable[User]]
NEW_PASSWORD = "another-horse-battery"


def paint() -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    return file.getvalue()


async def test_the_profile(visit: Visitor, make_user: MakeUser) -> None:
    """Others see the saved profile and its picture; colours and language outlive a reload."""
    ada, grace = await make_user(), await make_user()
    page = await visit("/app/settings", ada)
    await expect_live(page)
    await page.locator("input[type=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": paint()}
    )
    await expect(page.locator(".avatar.large img")).to_be_visible()
    await page.get_by_label("First name").fill("Ada")
    await page.get_by_label("Last name").fill("Lovelace")
    await page.get_by_label("About you").fill("Counts.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".toast")).to_contain_text("Saved")
    hers = await visit(f"/app/people/{ada.username}", grace)
    await expect(hers.get_by_role("heading", level=1)).to_contain_text("Ada Lovelace")
    await expect(hers.get_by_text("Counts.")).to_be_visible()
    await expect(hers.locator(".avatar.large img")).to_have_js_property("complete", True)
    assert await hers.locator(".avatar.large img").evaluate("(one) => one.naturalWidth") > 0

    await page.get_by_role("button", name="Account").click()
    await check_axe(page)
    await page.get_by_label("Colours").select_option("dark")
    await page.get_by_label("Language").select_option("de")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert await page.evaluate(scheme) == "dark"


async def test_the_account(visit: Visitor, make_user: MakeUser) -> None:
    """Another device is signed out; the password is changed with the old one; data comes as a file."""
    visit.allow("status of 40[13] ", "status of 4.. .*/auth/password")
    ada = await make_user()
    other = await visit("/app/", ada)
    await expect_live(other)
    page = await visit("/app/settings/account", ada)
    await expect_live(page)
    devices = page.locator("section").filter(has=page.get_by_role("heading", name="Devices"))
    await expect(devices.locator("li")).to_have_count(3)
    await expect(devices.get_by_text("This one")).to_have_count(1)
    await devices.locator("li").get_by_role("button", name="Sign out").last.click()
    await expect(devices.locator("li")).to_have_count(2)
    await devices.get_by_role("button", name="Sign out all others").click()
    await expect(devices.locator("li")).to_have_count(1)
    await expect(other.get_by_role("heading", name="Sign in to NexCorp Connect")).to_be_visible()

    await page.get_by_label("Current password").fill("not the one it is")
    await page.get_by_label("New password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_label("Current password")).to_have_attribute("aria-invalid", "true")
    await check_axe(page)
    await page.get_by_label("Current password").fill(ada.password)
    await page.get_by_label("New password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.locator(".toast")).to_contain_text("Changed")
    await other.get_by_label("E-mail address").fill(ada.email)
    await other.get_by_label("Password").fill(NEW_PASSWORD)
    await other.get_by_role("button", name="Sign in", exact=True).click()
    await expect_live(other)

    await page.get_by_role("button", name="Prepare the file").click()
    dialog = page.get_by_role("dialog", name="Is it you?")
    download = page.get_by_role("button", name="Download")
    await expect(dialog.or_(download).or_(page.get_by_text("It is being prepared")).first).to_be_visible()
    if await dialog.is_visible():
        await check_axe(page)
        await dialog.get_by_label("Password").fill(NEW_PASSWORD)
        await dialog.get_by_role("button", name="Go on").click()
    await expect(download).to_be_visible()
    async with page.expect_download() as coming:
        await download.click()
    assert (await coming.value).suggested_filename.endswith(".json")


async def test_a_key_is_shown_once(visit: Visitor, make_user: MakeUser) -> None:
    """A key is made with the password, works, is not shown again, and is revoked."""
    visit.allow("status of 403 .*/auth/api-keys")
    ada = await make_user()
    page = await visit("/app/settings/keys", ada)
    await expect_live(page)
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("What it is for").fill("A program")
    await dialog.get_by_role("checkbox", name="post:create").check()
    await check_axe(page)
    await dialog.get_by_role("button", name="New key").click()
    proof = page.get_by_role("dialog", name="Is it you?")
    await check_axe(page)
    await proof.get_by_label("Password").fill(ada.password)
    await proof.get_by_role("button", name="Go on").click()
    key = await page.locator(".secret code").inner_text()
    program = ada.client.as_user({"Authorization": f"Bearer {key}"})
    answer = await program.post("/api/v1/posts", json={"body": "By a program"})
    assert answer.status == 201
    await page.reload()
    await expect(page.locator(".rows li").filter(has_text="A program")).to_contain_text("post:create")
    await expect(page.locator(".secret")).to_have_count(0)
    await page.get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("No keys")).to_be_visible()
