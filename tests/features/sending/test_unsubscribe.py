"""Unsubscribe links in mails: GET changes nothing, POST ends mails, forged links fail."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from nexcorp.security.secrets import Secrets
from nexcorp.security.unsubscribing import EVERY_TYPE, write_token

pytestmark = pytest.mark.shared
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def list_ended(service: Any, user_id: Any) -> list[str]:
    """The types of notification that the user gets no mail for."""
    async with service.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT type FROM notification_preferences WHERE user_id = $1 AND email = 'off' ORDER BY type",
            user_id,
        )
    return [row["type"] for row in rows]


@pytest.fixture
def link(service: Any) -> Any:
    """`link(user_id, type)`: the address in the mail."""

    def make(user_id: Any, type: str, key: bytes | None = None) -> str:
        key = key or Secrets.from_config(service.config).unsubscribe[0]
        return f"{service.url}/unsubscribe?token={write_token(key, user_id, type)}"

    return make


async def test_one_click_ends_mails_of_a_type(service: Any, make_user: Any, link: Any) -> None:
    user = await make_user()
    url = link(user.id, "comment")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as outside:
        for method in ("HEAD", "GET", "OPTIONS"):
            async with outside.request(method, url, allow_redirects=False) as answer:
                assert answer.status == (405 if method == "OPTIONS" else 200)
        assert await list_ended(service, user.id) == []
        for _ in range(2):
            # Like a mail provider: a form, no cookie, another origin.
            async with outside.post(
                url, data=ONE_CLICK, headers={"Origin": "https://mail.example.net"}, allow_redirects=False
            ) as answer:
                assert (answer.status, answer.cookies) == (200, {})
                assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
                assert "comment" in await answer.text()
            assert await list_ended(service, user.id) == ["comment"]
        # One event tells the person's devices of it.
        async with service.db.connection() as conn:
            events = await conn.fetch(
                "SELECT payload FROM events WHERE type = 'notifications.settings_updated' AND actor_id = $1",
                user.id,
            )
        assert [str(row["payload"]).count("types.comment.email") for row in events] == [1]
        # The page's button posts to the page's own address, with the token.
        url = link(user.id, EVERY_TYPE)
        async with outside.get(url) as answer:
            page = await answer.text()
            assert f'action="{url.removeprefix(service.url)}"' in page and "<script" not in page
        form = aiohttp.FormData(ONE_CLICK)
        form.add_field("more", "parts", content_type="text/plain")
        async with outside.post(url, data=form) as answer:
            assert answer.status == 200
    assert await list_ended(service, user.id) == sorted(
        name for name, one in PRODUCT.notice_types.items() if not one.critical
    )


async def test_a_change_beside_it_does_not_undo_it(service: Any, make_user: Any, link: Any) -> None:
    user = await make_user()
    async with aiohttp.ClientSession() as outside:
        async with service.db.transaction() as conn:
            # PUT /notifications/preferences takes this lock, and has read the preferences before the click.
            await sql.preferences.lock_settings(conn, user_id=user.id)
            clicked = asyncio.create_task(outside.post(link(user.id, "like"), data=ONE_CLICK))
            await asyncio.wait({clicked}, timeout=0.3)
            await sql.preferences.save_preferences(
                conn, user_id=user.id, types=["like"], in_apps=[None], emails=[None], pushes=[False]
            )
        assert (await clicked).status == 200
    assert await list_ended(service, user.id) == ["like"]
    # A user who has left gets the same answer, and no row is stored for them.
    async with service.db.connection() as conn:
        await conn.execute("UPDATE users SET status = 'deactivated' WHERE id = $1", user.id)
    async with (
        aiohttp.ClientSession() as outside,
        outside.post(link(user.id, "comment"), data=ONE_CLICK) as answer,
    ):
        assert answer.status == 200
    assert await list_ended(service, user.id) == ["like"]


async def test_what_is_made_up_is_refused(service: Any, make_user: Any, link: Any) -> None:
    user, other = await make_user(), await make_user()
    good = link(user.id, "comment")
    head = good.partition("token=")[2].partition(".")[0]
    tokens = [
        "",
        "x",
        head,
        f"{head}.like",
        f"{head}.",
        f"{head[:-2]}AA.comment",
        f"{'é' * 43}.comment",
        link(other.id, "comment").partition("token=")[2].replace("comment", "like"),
        link(user.id, "comment", b"k" * 32).partition("token=")[2],
    ]
    async with aiohttp.ClientSession() as outside:
        for token in tokens:
            for method in ("GET", "POST"):
                url = f"{service.url}/unsubscribe"
                async with outside.request(method, url, params={"token": token}, data=ONE_CLICK) as answer:
                    assert (answer.status, (await answer.json())["code"]) == (404, "unknown_link"), token
        async with outside.post(good, data=b"x" * 5000) as answer:
            assert answer.status == 413
    assert await list_ended(service, user.id) == [] == await list_ended(service, other.id)


async def test_links_outlive_the_secret_by_one(
    web_only: Any, service: Any, make_user: Any, link: Any
) -> None:
    user = await make_user()
    secret = service.config.jwt_secret
    runner, _, url = await web_only(jwt_secret="n" * 40, jwt_secret_previous=secret)
    async with aiohttp.ClientSession() as outside:
        async with outside.post(link(user.id, "like").replace(service.url, url)) as answer:
            assert answer.status == 200
        async with outside.get(f"{url}/n/{user.id}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, f"/app/notifications/{user.id}")
    await runner.cleanup()
    assert await list_ended(service, user.id) == ["like"]
