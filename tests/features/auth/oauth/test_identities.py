"""The account that an identity opens: linked by address or by hand, reclaimed accounts, the last way in."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.features.auth.oauth import service as oauth_service
from nexcorp.features.auth.oauth.service import Proof, link_identity, sign_in, unlink
from nexcorp.integrations.oauth_profiles import Profile, read_github, read_openid
from nexcorp.security.app_keys import REVOCATIONS
from tests.features.auth.oauth.conftest import API, FLOW, REFRESH

IDENTITIES = "/api/v1/auth/identities"
ME = "/api/v1/auth/me"
IDENTITY = """
INSERT INTO identities (provider, subject, user_id, email_verified, tokens)
VALUES ($1, $2, $3, true, 'sealed')
"""
KEY = """
INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes) VALUES ($1, 'k', 'nxk_', $2, '{post:read}')
"""


async def execute(service: Any, text: str, *values: Any) -> None:
    async with service.db.connection() as conn:
        await conn.execute(text, *values)


async def confirm(service: Any, user: Any) -> None:
    await execute(service, "UPDATE users SET email_verified_at = now() WHERE id = $1", user.id)


async def code_of(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def link(browser: Any, user: Any, kind: str = "github", accept: str = "application/json") -> Any:
    """Link by hand, as a page does: the user's token begins the flow, the browser ends it."""
    begun = await browser.get(f"{API}/{kind}?return_to=/settings", "application/json", **user.headers)
    assert begun.status == 200, await begun.text()
    approved = await browser.get((await begun.json())["authorizeUrl"])
    return await browser.get(approved.headers["Location"], accept)


async def test_a_verified_address_links_to_a_confirmed_account(
    service: Any, browse: Any, fake: Any, make_user: Any, fetch: Any, client: Any
) -> None:
    user = await make_user("octavia")
    await confirm(service, user)
    fake.person.email = "OCTAVIA@example.com"
    browser = browse()
    assert (await browser.sign_in()).status == 302
    assert UUID((await browser.me())["id"]) == user.id
    # The account's own session and password still work.
    assert (await user.client.get(ME)).status == 200
    login = {"email": user.email, "password": user.password, "platform": "cli"}
    assert (await client.post("/api/v1/auth/login", json=login)).status == 200
    [event] = await fetch("SELECT * FROM events WHERE type = 'identity.linked'")
    assert event["payload"] == {"userId": str(user.id), "provider": "github", "newAccount": False}
    assert await fetch("SELECT 1 FROM events WHERE type = 'account.reclaimed'") == []


async def test_the_owner_of_an_address_takes_back_a_squatted_account(
    service: Any, browse: Any, fake: Any, make_user: Any, fetch: Any, client: Any
) -> None:
    user = await make_user("squatter", verified=False)
    fake.person.id, fake.person.email = 1, "someone@example.net"
    # An unproved address allows neither a key nor another identity; older releases allowed them.
    assert await code_of(await link(browse(), user, "gitlab")) == (403, "email_unverified")
    body = {"name": "k", "scopes": ["post:read"]}
    answer = await user.client.post("/api/v1/auth/api-keys", json=body)
    assert await code_of(answer) == (403, "email_unverified")
    await execute(service, KEY, user.id, b"hash")
    await execute(service, IDENTITY, "gitlab", "1", user.id)
    fake.person.id, fake.person.email = 2, user.email
    browser = browse()
    assert (await browser.sign_in("google")).status == 302
    assert UUID((await browser.me())["id"]) == user.id
    assert (await user.client.get(ME)).status == 401
    login = {"email": user.email, "password": user.password, "platform": "cli"}
    assert await code_of(await client.post("/api/v1/auth/login", json=login)) == (401, "invalid_credentials")
    [row] = await fetch("SELECT password_hash, email_verified_at FROM users")
    assert row["password_hash"] is None and row["email_verified_at"] is not None
    [key] = await fetch("SELECT id, revoked_at FROM api_keys")
    assert key["revoked_at"] is not None and key["id"] in service.app[REVOCATIONS]._sessions
    assert [row["provider"] for row in await fetch("SELECT provider FROM identities")] == ["google"]
    # The squatter's GitLab identity now opens another account, with an address of its own.
    fake.person.id, fake.person.email = 1, "someone@example.net"
    stranger = browse()
    await stranger.sign_in("gitlab")
    assert UUID((await stranger.me())["id"]) != user.id
    kinds = [row["type"] for row in await fetch("SELECT type FROM events WHERE actor_id = $1", user.id)]
    assert kinds.count("account.reclaimed") == 1 and kinds.count("session.revoked") == 1
    # The address is proved now, so that later sign-ins take nothing away.
    again = browse()
    await again.sign_in("google")
    fake.person.id, fake.person.email = 2, user.email
    await browse().sign_in("google")
    assert len(await fetch("SELECT 1 FROM events WHERE type = 'account.reclaimed'")) == 1


async def test_an_unverified_address_opens_nothing(
    browse: Any, fake: Any, make_user: Any, fetch: Any
) -> None:
    user = await make_user("careful", verified=False)
    fake.person.email, fake.person.verified = user.email, False
    for kind in ("github", "gitlab", "google", "oidc"):
        browser = browse()
        page = await browser.sign_in(kind)
        assert page.status == 409 and "Sign in with your password and link it" in await page.text()
        assert REFRESH not in browser.cookies
    assert await fetch("SELECT 1 FROM identities") == []
    # Nor by hand, unless the provider vouches for the address: then it counts as proved.
    assert await code_of(await link(browse(), user)) == (403, "email_unverified")
    fake.person.verified = True
    assert (await link(browse(), user)).status == 302
    assert (await fetch("SELECT email_verified_at FROM users"))[0]["email_verified_at"] is not None
    assert (await user.client.get(ME)).status == 200
    browser = browse()
    assert (await browser.sign_in()).status == 302
    assert UUID((await browser.me())["id"]) == user.id


async def test_an_unverified_address_nobody_has_makes_an_unconfirmed_account(
    browse: Any, fake: Any, fetch: Any
) -> None:
    fake.person.verified = False
    assert (await browse().sign_in()).status == 302
    [user] = await fetch("SELECT id, email_verified_at FROM users")
    assert user["email_verified_at"] is None
    # The owner signs in with a proved address, and the first identity is removed.
    fake.person.id, fake.person.verified = 99, True
    browser = browse()
    assert (await browser.sign_in("google")).status == 302
    assert UUID((await browser.me())["id"]) == user["id"]
    assert [row["subject"] for row in await fetch("SELECT subject FROM identities")] == ["99"]


async def test_without_an_address_there_is_no_account(browse: Any, fake: Any, fetch: Any) -> None:
    for email in (None, "no address", '"odd"@example.org', "x" * 250 + "@example.org", "a@b\n.org"):
        fake.person.email = email
        for kind in ("github", "oidc"):
            answer = await browse().sign_in(kind, accept="application/json")
            assert await code_of(answer) == (403, "email_required"), email
    page = await browse().sign_in()
    assert page.status == 403 and "e-mail address" in await page.text()
    assert await fetch("SELECT 1 FROM users") == []


async def test_deactivated_accounts_are_refused(service: Any, browse: Any, fake: Any, make_user: Any) -> None:
    user = await make_user("former")
    await confirm(service, user)
    fake.person.email = user.email
    off = "UPDATE users SET status = $1"
    await execute(service, off, "deactivated")
    answer = await browse().sign_in(accept="application/json")
    assert await code_of(answer) == (403, "account_deactivated")
    await execute(service, off, "active")
    assert (await browse().sign_in()).status == 302
    await execute(service, off, "deactivated")
    answer = await browse().sign_in(accept="application/json")
    assert await code_of(answer) == (403, "account_deactivated")


async def test_usernames_are_made_unique(browse: Any, fake: Any, make_user: Any, fetch: Any) -> None:
    await make_user("octo_cat")
    await browse().sign_in()
    names = [row["username"] for row in await fetch("SELECT username::text FROM users")]
    assert len(names) == 2 and all(name.startswith("octo_cat") for name in names)


async def test_linking_by_hand(
    service: Any, browse: Any, fake: Any, make_user: Any, client: Any, fetch: Any
) -> None:
    user, other = await make_user(), await make_user()
    browser = browse()
    done = await link(browser, user)
    assert (done.status, done.headers["Location"]) == (302, "/settings")
    # No second session: the linking user is signed in already.
    assert browser.cookies == {}
    [event] = await fetch("SELECT * FROM events WHERE type = 'identity.linked'")
    assert event["actor_id"] == user.id and event["metadata"]["sessionId"] == str(user.session_id)
    listed = (await (await user.client.get(IDENTITIES)).json())["data"]
    assert [(row["provider"], row["username"], row["email"]) for row in listed] == [
        ("github", "octo-cat", "octavia@example.org")
    ]
    assert (await (await other.client.get(IDENTITIES)).json())["data"] == []
    # Linked again: no change; for another user: taken; a second identity of the kind: refused.
    assert (await link(browse(), user)).status == 302
    assert await code_of(await link(browse(), other)) == (409, "identity_taken")
    fake.person.id = 4712
    assert await code_of(await link(browse(), user)) == (409, "provider_linked")
    assert len(await fetch("SELECT 1 FROM identities")) == 1
    assert len(await fetch("SELECT 1 FROM events WHERE type = 'identity.linked'")) == 1
    assert (await browse().get(f"{API}/github", Authorization="Bearer x")).status == 401


async def test_a_link_ends_with_the_session_that_began_it(browse: Any, make_user: Any, fetch: Any) -> None:
    user = await make_user()
    browser = browse()
    callback = await browser.approve("github", **user.headers)
    assert (await user.client.post("/api/v1/auth/logout")).status == 204
    assert await code_of(await browser.get(callback, "application/json")) == (403, "session_ended")
    assert await fetch("SELECT 1 FROM identities") == []
    assert FLOW not in browser.cookies


async def test_the_last_way_in_stays(browse: Any, fake: Any, make_user: Any, client: Any, fetch: Any) -> None:
    browser = browse()
    await browser.sign_in("github")
    headers = (await browser.me())["headers"]
    me = client.as_user(headers)
    # Neither the sign-in alone is enough, nor a proof by another account's identity.
    assert await code_of(await me.delete(f"{IDENTITIES}/github")) == (403, "reauthentication_required")
    known, fake.person.id = fake.person.id, 77
    assert await code_of(await browse().prove("github", headers)) == (403, "identity_mismatch")
    fake.person.id = known
    assert (await browse().prove("github", headers)).status == 302
    assert await code_of(await me.delete(f"{IDENTITIES}/github")) == (409, "last_way_in")
    assert await code_of(await me.delete(f"{IDENTITIES}/gitlab")) == (404, "not_found")
    assert await code_of(await me.delete(f"{IDENTITIES}/myspace")) == (404, "not_found")
    assert (await browse().sign_in("google")).status == 302
    assert (await me.delete(f"{IDENTITIES}/github")).status == 204
    assert await code_of(await me.delete(f"{IDENTITIES}/google")) == (409, "last_way_in")
    assert len(await fetch("SELECT 1 FROM events WHERE type = 'identity.unlinked'")) == 1
    # With a password nothing is the last.
    user = await make_user()
    fake.person.id = 1
    assert (await link(browse(), user)).status == 302
    assert (await user.client.delete(f"{IDENTITIES}/github")).status == 204
    assert (await client.get(IDENTITIES)).status == 401


async def test_of_two_that_unlink_at_once_one_stays(browse: Any, client: Any, fetch: Any) -> None:
    for _ in range(5):
        browser = browse()
        await browser.sign_in("github")
        await browse().sign_in("google")
        headers = (await browser.me())["headers"]
        assert (await browse().prove("github", headers)).status == 302
        me = client.as_user(headers)
        answers = await asyncio.gather(*(me.delete(f"{IDENTITIES}/{kind}") for kind in ("github", "google")))
        assert sorted(answer.status for answer in answers) == [204, 409]
        assert len(await fetch("SELECT 1 FROM identities")) == 1


async def test_first_sign_ins_at_once_make_one_account(
    browse: Any, second_node: str, fake: Any, fetch: Any
) -> None:
    """The same identity, and others with the same address, on two nodes."""
    browsers = [browse(second_node if place % 2 else None) for place in range(8)]
    kinds = ("github", "google", "gitlab", "github") * 2
    pairs = zip(browsers, kinds, strict=True)
    callbacks = await asyncio.gather(*(browser.approve(kind) for browser, kind in pairs))
    pairs = zip(browsers, callbacks, strict=True)
    answers = await asyncio.gather(*(browser.get(callback) for browser, callback in pairs))
    assert [answer.status for answer in answers] == 8 * [302]
    assert len(await fetch("SELECT 1 FROM users")) == 1
    rows = await fetch("SELECT provider FROM identities ORDER BY provider")
    assert [row["provider"] for row in rows] == ["github", "gitlab", "google"]
    counts = await fetch("SELECT type, count(*) FROM events GROUP BY type")
    assert {row["type"]: row["count"] for row in counts} == {
        "user.registered": 1,
        "identity.linked": 3,
        "user.logged_in": 8,
    }


def prove(subject: str = "1", email: str = "race@example.org", provider: str = "github") -> Proof:
    return Proof(provider, Profile(subject, email=email, email_verified=True), b"sealed")


async def test_a_first_sign_in_that_loses_the_race_begins_anew(database: Any) -> None:
    """Two real transactions: the second waits for the first one's address, and must not get its account."""
    async with database.transaction(wait=5) as first:
        await sign_in(first, prove())

        async def second() -> Any:
            async with database.transaction(wait=5) as conn:
                return await sign_in(conn, prove())

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        assert not waiting.done()
    with pytest.raises(oauth_service.Raced):
        await waiting
    assert (await second()).account["email"] == "race@example.org"
    # The same identity under two addresses: only one account is left, too.
    async with database.transaction(wait=5) as first:
        await sign_in(first, prove("2", "one@example.org"))

        async def other() -> Any:
            async with database.transaction(wait=5) as conn:
                return await sign_in(conn, prove("2", "two@example.org"))

        waiting = asyncio.create_task(other())
        await asyncio.sleep(0.2)
        assert not waiting.done()
    with pytest.raises(oauth_service.Raced):
        await waiting
    async with database.connection() as conn:
        assert (
            await conn.fetchval(
                "SELECT count(*) FROM users WHERE email IN ('one@example.org', 'two@example.org')"
            )
            == 1
        )


async def test_a_sign_in_does_not_link_again_what_is_being_unlinked(database: Any) -> None:
    async with database.transaction(wait=5) as conn:
        entered = await sign_in(conn, prove())
        user_id = entered.account["id"]
        taken = oauth_service.Raced()
        await link_identity(conn, prove("g", provider="google"), user_id, taken=taken)
    async with database.transaction(wait=5) as first:
        await unlink(first, user_id=user_id, provider="github")

        async def second() -> Any:
            async with database.transaction(wait=5) as conn:
                return await sign_in(conn, prove())

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        assert not waiting.done()
    with pytest.raises(oauth_service.Raced):
        await waiting
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT array_agg(provider) FROM identities") == ["google"]


def test_profiles_are_not_believed() -> None:
    for subject in (None, "", True, 1.5, [], {}, "x" * 256, "a\nb"):
        assert read_openid({"sub": subject}) is None
        assert read_github({"id": subject}, (None, False)) is None
    for data in (None, [], "x", 7):
        assert read_openid(data) is None
    odd = read_openid(
        {
            "sub": 7,
            "name": "A\x00\x1b[31m B" + "c" * 500,
            "given_name": ["x"],
            "picture": "javascript:alert(1)",
            "email": ["x@example.org"],
            "email_verified": True,
        }
    )
    assert odd is not None and odd.subject == "7"
    assert odd.name is not None and len(odd.name) == 100 and odd.name.isprintable()
    assert (odd.avatar_url, odd.email, odd.email_verified) == (None, None, False)
    for claim, believed in ((True, True), ("true", True), ("yes", False), (1, False), (None, False)):
        read = read_openid({"sub": "1", "email": "a@example.org", "email_verified": claim})
        assert read is not None and read.email_verified is believed
