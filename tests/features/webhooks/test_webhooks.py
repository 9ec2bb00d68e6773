"""Webhooks over REST: made, changed, paused, and their log; and events delivered to a receiver."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.api import API, create, fetch_value, get_json, publish, refused
from tests.conftest import wait_until
from tests.features.projects.helpers import found, join
from tests.webhookserver import run_receiver

URL = "https://hooks.example.com/nexcorp"
HOSTILE = {
    "https_only": ["http://hooks.example.com/", "http://1.1.1.1/", "ftp://hooks.example.com/"],
    "address_refused": [
        *("https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/", "https://0/"),
        *("https://10.0.0.1/", "https://169.254.169.254/latest/", "https://[::ffff:127.0.0.1]/"),
        *("https://localhost/", "https://metadata.internal/", "https://100.64.0.1/", "https://[fe80::1]/"),
        *(
            "https://192.0.0.8/",
            "https://224.0.0.1/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
        ),
    ],
    "url_refused": ["https://user:pass@hooks.example.com/", "https://hooks.example.com:0/"],
}


@pytest.mark.shared
async def test_a_webhook_is_made_changed_and_deleted(make_user: Any, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    made = await create(
        ada, "/webhooks", url=URL, scope="own", types=["notification.like"], description="Ours"
    )
    assert made["secret"].startswith("whsec_") and made["status"] == "active"
    path = f"{API}/webhooks/{made['id']}"
    shown = await get_json(ada.client, f"/webhooks/{made['id']}")
    assert "secret" not in shown and shown["types"] == ["notification.like"]
    stored = "SELECT secret::text FROM webhooks WHERE id = $1"
    assert made["secret"] not in str(await fetch_value(service, stored, made["id"]))
    changed = await (await ada.client.patch(path, json={"types": [], "version": 1})).json()
    assert changed["types"] == [] and changed["version"] == 2
    await refused(ada.client.patch(path, json={"types": [], "version": 1}), 409, "stale_version")
    renewed = await (await ada.client.post(f"{path}/secret", json={})).json()
    assert renewed["secret"] != made["secret"]
    paused = await (await ada.client.patch(path, json={"status": "paused"})).json()
    assert (paused["status"], paused["reason"]) == ("paused", "owner")
    await refused(ada.client.post(f"{path}/test"), 409)
    assert (await (await ada.client.post(f"{path}/resume")).json())["status"] == "active"
    assert (await get_json(bob.client, "/webhooks"))["data"] == []
    assert (await ada.client.delete(path)).status == 204
    await refused(ada.client.get(path), 404)
    trail = "SELECT count(*) FROM events WHERE type LIKE 'webhook.%' AND payload::text LIKE '%hooks.example%'"
    assert await fetch_value(service, trail) == 0


@pytest.mark.shared
@pytest.mark.parametrize("code", HOSTILE)
async def test_addresses_that_nothing_is_sent_to(make_user: Any, code: str) -> None:
    ada = await make_user()
    hook = f"{API}/webhooks/{(await create(ada, '/webhooks', url=URL, scope='own'))['id']}"
    for url in HOSTILE[code]:
        await refused(ada.client.post(f"{API}/webhooks", json={"url": url, "scope": "own"}), 422, code)
        await refused(ada.client.patch(hook, json={"url": url}), 422, code)


@pytest.mark.shared
async def test_scopes_want_rights(make_user: Any) -> None:
    ada, admin = await make_user(), await make_user(role="admin")
    editor = await make_user()
    project = await found(ada, editor=editor)
    assert (await create(ada, "/webhooks", url=URL, scope="project", projectId=project))[
        "projectId"
    ] == project
    for who, body, status in (
        (ada, {"scope": "all"}, 403),
        (editor, {"scope": "project", "projectId": project}, 403),
        (await make_user(), {"scope": "project", "projectId": project}, 404),
        (ada, {"scope": "project"}, 422),
        (ada, {"scope": "own", "projectId": project}, 422),
        (ada, {"scope": "own", "types": ["post.created"]}, 422),
        (admin, {"scope": "all", "types": ["message.created"]}, 422),
        (admin, {"scope": "all", "types": ["ai_answer.ended"]}, 422),
    ):
        await refused(who.client.post(f"{API}/webhooks", json={"url": URL, **body}), status)
    for _ in range(20):
        await create(admin, "/webhooks", url=URL, scope="all", types=["post.created"])
    await refused(admin.client.post(f"{API}/webhooks", json={"url": URL, "scope": "all"}), 409)


@pytest.fixture
def own_config(own_config: Any) -> Any:
    """Settings that allow webhooks to loopback."""
    return replace(own_config, outbound_allow=("127.0.0.1",))


async def test_each_scope_is_sent_its_own(make_user: Any, service: Any) -> None:
    ada, bob, admin = await make_user(), await make_user(), await make_user(role="admin")
    project = await found(ada)
    async with run_receiver() as receiver:
        hooks = {
            "/ok/own": await create(ada, "/webhooks", url=f"{receiver.origin}/ok/own", scope="own"),
            "/ok/project": await create(
                ada, "/webhooks", url=f"{receiver.origin}/ok/project", scope="project", projectId=project
            ),
            "/ok/all": await create(admin, "/webhooks", url=f"{receiver.origin}/ok/all", scope="all"),
        }
        post = await publish(ada, "Lunch?")
        await bob.client.put(f"{API}/posts/{post['id']}/like")
        await join(ada, project, bob, "editor")
        talk = await create(ada, "/conversations", userId=str(bob.id))
        await create(ada, f"/conversations/{talk['id']}/messages", body="Between us.")

        async def all_came() -> bool:
            types = {
                path: {call.verify(hooks[path]["secret"])["type"] for call in receiver.at(path)}
                for path in hooks
            }
            return (
                "notification.like" in types["/ok/own"]
                and types["/ok/project"] >= {"member.added"}
                and types["/ok/all"] >= {"post.created", "member.added"}
            )

        await wait_until(all_came, 30)
        assert "Between us" not in "".join(call.body for call in receiver.calls)
        said = [call.verify(hooks["/ok/all"]["secret"]) for call in receiver.at("/ok/all")]
        assert not [
            one for one in said if one["type"].partition(".")[0] in ("message", "conversation", "ai_chat")
        ]
        shown = next(one for one in said if one["type"] == "post.created")["data"]
        assert shown["body"] == "Lunch?" and shown["id"] == post["id"]
        # The log of deliveries, and a repetition of one.
        path = f"/webhooks/{hooks['/ok/own']['id']}/deliveries"
        row = (await get_json(ada.client, f"{path}?type=notification.like"))["data"][0]

        async def delivered() -> Any:
            found = await get_json(ada.client, f"{path}/{row['id']}")
            return found if found["status"] == "delivered" else None

        sent = await wait_until(delivered, 30)  # the receiver hears before the log does
        assert [one["status"] for one in sent["log"]] == [204]
        before = len(receiver.at("/ok/own"))
        assert (await ada.client.post(f"{API}{path}/{row['id']}/redeliver")).status == 202
        assert (await ada.client.post(f"{API}/webhooks/{hooks['/ok/own']['id']}/test")).status == 202

        async def twice() -> bool:
            return len(receiver.at("/ok/own")) == before + 2

        await wait_until(twice, 30)
        ids = [call.id for call in receiver.at("/ok/own")]
        assert (
            ids.count(next(call.id for call in receiver.at("/ok/own") if "notification.like" in call.body))
            == 2
        )
