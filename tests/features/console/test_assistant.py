"""The assistant in the browser: answers that grow, are stopped and given again, and hostile ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from nexcorp.embedded import PostgresServer, ValkeyServer
from tests.clients import Service, User, run_service
from tests.conftest import make_config
from tests.features.ai.conftest import with_model
from tests.features.console.browsers import Visitor, check_axe
from tests.features.console.test_shell import expect_live
from tests.modelserver import serve_model, words
from tests.servers import Databases, name_database

MakeUser = Callable[..., Awaitable[User]]
HOSTILE = (
    "echo # A heading\n\n<script>document.title = 'taken'</script>"
    "<img src=x onerror=\"document.title='taken'\">\n\n![a picture](https://evil.example/spy.png)"
    " [a link](javascript:document.title='taken')"
    " [another](https://example.com/) and **strong words**"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def module_service(
    postgres: PostgresServer, valkey: ValkeyServer, databases: Databases, tmp_path_factory: object
) -> AsyncIterator[Service]:
    """A service with the language model of the tests."""
    name = databases.take()
    home = tmp_path_factory.mktemp("home")  # type: ignore[attr-defined]
    config = make_config(name_database(postgres.url, name), f"{valkey.url}/1", home)
    async with serve_model() as model, run_service(with_model(config, model)) as found:
        yield found
    databases.drop(name)


async def begin(page: Page) -> None:
    """Begin a new chat in the page."""
    await expect_live(page)
    await page.get_by_role("button", name="New chat").click()
    await page.get_by_role("button", name="Begin", exact=True).click()
    await expect(page.get_by_text("Ask something.", exact=True)).to_be_visible()


async def ask(page: Page, text: str) -> None:
    """Ask by typing and pressing Enter."""
    await page.get_by_label("Ask something …").fill(text)
    await page.keyboard.press("Enter")


def answer(page: Page) -> Locator:
    """The newest answer."""
    return page.locator(".answer").last


async def test_answers_grow(visit: Visitor, make_user: MakeUser) -> None:
    """Answers appear word by word, across a reload, too; the user stops one and asks for another."""
    page = await visit("/app/assistant", await make_user())
    await expect_live(page)
    await page.get_by_role("button", name="New chat").click()
    await check_axe(page)
    await page.keyboard.press("Escape")
    await begin(page)
    await ask(page, "say 40 20")
    await expect(answer(page)).to_contain_text("w2")
    assert "w39" not in await answer(page).inner_text()
    await page.reload()
    await expect(answer(page)).to_contain_text("w3")
    await expect(answer(page).locator(".markdown")).to_have_text(words(40).strip())
    await expect(answer(page)).to_have_attribute("aria-busy", "false")

    await ask(page, "say 2000 20")
    await expect(page.locator(".answer")).to_have_count(2)
    await expect(answer(page)).to_contain_text("w2")
    await page.get_by_role("button", name="Stop").click()
    await expect(answer(page)).to_contain_text("Stopped.")
    await ask(page, "say 3")
    await expect(page.locator(".answer")).to_have_count(3)
    await expect(answer(page)).to_contain_text("w0 w1 w2")
    await answer(page).get_by_role("button", name="Answer again").click()
    await expect(answer(page).locator(".siblings")).to_contain_text("2/2")
    await expect(answer(page)).to_contain_text("w0 w1 w2")
    await answer(page).get_by_role("button", name="The one before").click()
    await expect(answer(page).locator(".siblings")).to_contain_text("1/2")
    await expect(page.locator(".answer")).to_have_count(3)

    # A question that the service refuses is not lost.
    async def refuse(route: Route) -> None:
        await route.fulfill(status=403, json={"code": "forbidden", "message": "Not now."})

    visit.allow("status of 403 .*/messages")
    await page.route("**/messages", refuse)
    await page.get_by_role("button", name="Ask differently").last.click()
    edited = page.get_by_role("textbox", name="Ask differently")
    await edited.fill("say 2")
    await page.get_by_role("button", name="Ask", exact=True).first.click()
    await expect(page.locator(".toast")).to_contain_text("Not now.")
    await expect(edited).to_have_value("say 2")
    await page.unroute("**/messages")
    await page.get_by_role("button", name="Ask", exact=True).first.click()
    await expect(answer(page).locator(".markdown")).to_have_text("w0 w1")
    await check_axe(page)


async def test_a_hostile_answer_is_text(visit: Visitor, make_user: MakeUser) -> None:
    """Markdown is rendered; script, pictures and unsafe addresses are not."""
    page = await visit("/app/assistant", await make_user())
    await begin(page)
    await ask(page, HOSTILE)
    shown = page.locator(".answer .markdown")
    await expect(shown.get_by_role("heading", name="A heading")).to_be_visible()
    await expect(shown.locator("strong")).to_have_text("strong words")
    await expect(shown).to_contain_text("<script>document.title")
    await expect(shown.locator("script, img, iframe, [onerror]")).to_have_count(0)
    links = shown.locator("a[href]")
    await expect(links).to_have_count(1)
    await expect(links).to_have_attribute("href", "https://example.com/")
    await expect(links).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert "taken" not in await page.title()
    await check_axe(page)


async def test_without_a_model(visit: Visitor, make_user: MakeUser, own_service: Service) -> None:
    """The page says that no language model is set up; the question is kept."""
    page = await visit("/app/assistant", await make_user())
    await begin(page)
    await ask(page, "Is anybody there?")
    await expect(page.get_by_text("No language model is set up")).to_be_visible()
    await expect(page.get_by_label("Ask something …")).to_have_value("Is anybody there?")
