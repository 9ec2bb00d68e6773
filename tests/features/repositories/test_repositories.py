"""Linked repositories, from the link to the list of commits, against git's own server."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from tests.api import API, fetch, fetch_value, get_json, refused, walk
from tests.conftest import wait_until
from tests.features.projects.helpers import found
from tests.gitserver import TOKEN
from tests.realtime.helpers import subscribe


async def link(user: Any, project: str, url: str, status: int = 201, **more: Any) -> dict[str, Any]:
    """Link a project; return its repository."""
    answer = await user.client.put(f"{API}/projects/{project}/repository", json={"url": url, **more})
    assert answer.status == status, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def settled(user: Any, project: str) -> dict[str, Any]:
    """Wait until the repository is synced or failed; return it."""
    state: dict[str, Any] = {}

    async def over() -> bool:
        state.update(await get_json(user.client, f"/projects/{project}/repository"))
        return state["status"] in ("synced", "failed")

    await wait_until(over)
    return state


async def sync(service: Any, user: Any, project: str) -> dict[str, Any]:
    """Sync once more; return the repository."""
    await fetch(service, "UPDATE repositories SET asked_at = '-infinity'")
    answer = await user.client.post(f"{API}/projects/{project}/repository/sync")
    assert answer.status == 202, await answer.text()
    return await settled(user, project)


async def list_shas(user: Any, project: str, query: str = "") -> list[str]:
    """The hashes of all commits in the list."""
    pages = await walk(user.client, f"/projects/{project}/repository/commits{query}", 100)
    return [commit["sha"] for page in pages for commit in page]


async def test_a_repository_is_followed(make_user: Any, service: Any, remote: Any) -> None:
    ada, viewer, stranger = await make_user(), await make_user(), await make_user()
    project = await found(ada, "internal", viewer=viewer)
    one = remote.make()
    one.commit(230)
    made = await link(ada, project, f"{remote.url}/r/one.git")
    assert made["hookSecret"] and made["status"] == "pending"
    state = await settled(viewer, project)
    assert (state["status"], state["commitCount"], state["head"]) == ("synced", 230, one.list()[0])
    assert "hookSecret" not in state
    assert await list_shas(viewer, project) == one.list()
    commit = await get_json(viewer.client, f"/projects/{project}/repository/commits/{one.list()[0]}")
    assert commit["subject"] == "Change 229" and commit["body"] == "Why it is so."
    assert commit["parents"] == [one.list()[1]] and commit["user"] is None
    await fetch(service, "UPDATE users SET email = 'ADA@Example.com' WHERE username = $1", ada.username)
    commit = await get_json(viewer.client, f"/projects/{project}/repository/commits/{one.list()[0]}")
    assert commit["user"]["id"] == str(ada.id)

    # New commits are appended, and commits that a forced push drops are marked gone.
    old = one.list()
    one.commit(10)
    await sync(service, ada, project)
    assert await list_shas(ada, project) == one.list() and len(one.list()) == 240
    one.commit(3, onto=old[20], message="Other")
    state = await sync(service, ada, project)
    assert await list_shas(ada, project) == one.list()
    assert state["commitCount"] == len(one.list()) == 213
    gone = await get_json(ada.client, f"/projects/{project}/repository/commits/{old[0]}")
    assert gone["goneAt"] is not None
    # A forced push brings old commits back while the cache is lost.
    one.git("update-ref", "refs/heads/main", old[0])
    await fetch(service, "UPDATE repositories SET head = '\\x00000000000000000000000000000000000000aa'")
    state = await sync(service, ada, project)
    assert await list_shas(ada, project) == old and state["commitCount"] == 230

    # An unchanged remote is not fetched.
    remote.heard.clear()
    await sync(service, ada, project)
    assert len([path for path in remote.heard if path.endswith("git-upload-pack")]) <= 2
    assert await list_shas(ada, project, "?q=change%20229") == old[:1]
    assert await list_shas(ada, project, "?author=bob") == []
    assert await list_shas(ada, project, "?since=2023-11-14T22:17:09Z") == old[:1]

    one.commit(2, "side", onto=old[5])
    assert (await link(ada, project, f"{remote.url}/r/one.git", 200, branch="side"))["branch"] == "side"
    assert (await settled(ada, project))["commitCount"] == len(one.list("side"))
    branches = (await get_json(ada.client, f"/projects/{project}/repository/branches"))["data"]
    assert [(b["name"], b["followed"]) for b in branches] == [("main", False), ("side", True)]
    one.git("update-ref", "-d", "refs/heads/side")
    state = await sync(service, ada, project)
    assert (state["status"], state["reason"]) == ("failed", "branch_gone")

    told = (await get_json(viewer.client, f"/projects/{project}/activity"))["data"]
    told = [one for one in told if one["entityType"] == "repository"]
    assert [one["type"] for one in told][::-1][:3] == ["repository.linked", *["repository.synced"] * 2]
    assert told[0]["entityName"] == f"{remote.url}/r/one.git".removeprefix("http://")
    path = f"{API}/projects/{project}/repository"
    await refused(viewer.client.post(f"{path}/sync"), 403, "not_your_project")
    await refused(stranger.client.get(path), 403, "not_your_project")
    await refused(ada.client.post(f"{path}/sync"), 429, "synced_lately")
    assert (await ada.client.delete(path)).status == 204
    await refused(ada.client.get(path), 404, "repository_not_found")
    assert await fetch_value(service, "SELECT count(*) FROM git_commits") == 0
    said = await fetch(service, "SELECT type, payload::text FROM events WHERE entity_type = 'repository'")
    assert {row["type"] for row in said} >= {
        "repository.linked",
        "repository.started",
        "repository.synced",
        "repository.failed",
        "repository.unlinked",
    }
    assert not any(remote.url in row["payload"] for row in said)


async def test_a_token_is_sealed_and_goes_with_the_address(make_user: Any, service: Any, remote: Any) -> None:
    ada = await make_user()
    project = await found(ada)
    one = remote.make()
    one.commit(3)
    await link(ada, project, f"{remote.url}/auth/one.git")
    state = await settled(ada, project)
    assert (state["status"], state["reason"], state["hasToken"]) == ("failed", "auth_failed", False)
    made = await link(ada, project, f"{remote.url}/auth/one.git", 200, token=TOKEN)
    assert made["hasToken"] and TOKEN not in str(made)
    assert (await settled(ada, project))["commitCount"] == 3
    kept = await fetch_value(service, "SELECT token FROM repositories")
    assert TOKEN.encode() not in kept
    # Copied to another row, the encrypted token opens nothing; another address drops it.
    other = await link(ada, await found(ada), f"{remote.url}/auth/one.git")
    await fetch(
        service,
        "UPDATE repositories SET token = $2, next_at = now(), status = 'pending' WHERE id = $1::text::uuid",
        other["id"],
        kept,
    )
    state = await settled(ada, other["projectId"])
    assert state["reason"] == "auth_failed"
    again = await link(ada, project, f"{remote.url}/r/one.git", 200)
    assert not again["hasToken"] and again["id"] != made["id"]


async def test_owners_hear_once_that_a_token_is_refused(
    make_user: Any, service: Any, connect: Any, remote: Any
) -> None:
    ada, eve, editor = await make_user(), await make_user(), await make_user()
    project = await found(ada, owner=eve, editor=editor)
    remote.make().commit()
    url = f"{remote.url}/auth/one.git"

    async def count_told(least: int) -> list[int]:
        async def told() -> bool:
            rows = await fetch(service, "SELECT FROM notifications WHERE type = 'repository'")
            return len(rows) >= least and await fetch_value(service, "SELECT count(*) FROM outbox") == 0

        await wait_until(told)
        return [
            len(
                [one for one in (await get_json(who.client, "/notifications"))["data"] if one["type"] == kind]
            )
            for who in (ada, eve, editor)
        ]

    async def is_shown(status: str) -> None:
        while (await live.next("repository:synced", 10))["data"]["status"] != status:
            pass

    kind, live = "repository", await connect(editor)
    await subscribe(live, f"project:{project}")
    made = await link(ada, project, url)
    assert (await settled(ada, project))["reason"] == "auth_failed"
    await is_shown("failed")
    await sync(service, ada, project)
    await link(ada, project, url, 200, token="another wrong one")
    assert (await settled(ada, project))["reason"] == "auth_failed"
    assert await count_told(2) == [1, 1, 0]
    [notice] = (await get_json(eve.client, "/notifications?type=repository"))["data"]
    assert url.removeprefix("http://") in notice["message"] and "another wrong one" not in str(notice)
    # The token works, then it is taken away.
    await link(ada, project, url, 200, token=TOKEN)
    assert (await settled(ada, project))["status"] == "synced"
    await is_shown("synced")
    await link(ada, project, url, 200, token=None)
    assert (await settled(ada, project))["reason"] == "auth_failed"
    assert await count_told(4) == [2, 2, 0]
    assert (await ada.client.delete(f"{API}/projects/{project}/repository")).status == 204
    assert (await live.next("repository:deleted"))["data"] == {"id": made["id"]}


async def test_hooks_are_signed_in_three_ways(make_user: Any, client: Any, service: Any, remote: Any) -> None:
    ada = await make_user()
    project = await found(ada)
    remote.make().commit()
    made = await link(ada, project, f"{remote.url}/r/one.git")
    await settled(ada, project)
    path, body = f"{API}/hooks/repositories/{made['id']}", b'{"ref": "refs/heads/main"}'
    secret = made["hookSecret"].encode()
    mac = hmac.new(secret, body, hashlib.sha256).hexdigest()
    form = "application/x-www-form-urlencoded"
    good = (
        {"X-Hub-Signature-256": f"sha256={mac}", "Content-Type": form},
        {"X-Hub-Signature-256": f"sha256={mac}"},
        {"X-Gitea-Signature": mac},
        {"X-Gitlab-Token": made["hookSecret"]},
    )
    for headers in good:
        await fetch(service, "UPDATE repositories SET wanted_at = '-infinity'")
        answer = await client.post(path, data=body, headers={"Content-Type": "application/json", **headers})
        assert answer.status == 202, await answer.text()
        assert await fetch_value(service, "SELECT wanted_at > '-infinity' FROM repositories")
        bad = {name: value if value == form else value[:-1] + "é" for name, value in headers.items()}
        await refused(client.post(path, data=body, headers={"Content-Type": "application/json", **bad}), 403)
    await refused(
        client.post(path, data=body, headers={"Content-Type": "application/json"}), 403, "hook_refused"
    )
    await refused(client.post(path, data=body, headers={"Content-Type": "text/plain", **good[1]}), 415)
    # The hook of a project in the trash is refused.
    assert (await ada.client.delete(f"{API}/projects/{project}")).status == 204
    await refused(client.post(path, data=body, headers={"Content-Type": "application/json", **good[1]}), 403)


REFUSED = {
    "--upload-pack=touch /tmp/x": "url_refused",
    "ext::sh -c id": "url_refused",
    "file:///etc/passwd": "url_refused",
    "ssh://git@example.com/x": "https_only",
    "http://example.com/a.git": "https_only",
    "https://user:pw@example.com/a.git": "url_refused",
    "https://example.com/a.git?x=1": "url_refused",
    "https://127.0.0.1/a.git": "address_refused",
    "https://0x7f000001/a.git": "address_refused",
    "https://[64:ff9b::7f00:1]/a.git": "address_refused",
    "https://169.254.169.254/latest": "address_refused",
    "https://localhost/a.git": "address_refused",
    "https://nobody.invalid/a.git": "host_unknown",
}


async def test_hostile_addresses_reach_nothing(make_user: Any, remote: Any) -> None:
    ada = await make_user()
    project = await found(ada)
    for url, code in REFUSED.items():
        answer = await ada.client.put(f"{API}/projects/{project}/repository", json={"url": url})
        found_code = (await answer.json())["code"]
        assert (answer.status, found_code) == (422, code), url
    for branch in ("-x", "a..b", "a b", "a.lock", "../x", "@"):
        answer = await ada.client.put(
            f"{API}/projects/{project}/repository",
            json={"url": f"{remote.url}/r/one.git", "branch": branch},
        )
        assert answer.status == 422, branch
    assert remote.heard == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("redirect/one", "redirected"),
        ("away/one", "redirected"),
        ("r/nothing", "not_found"),
        ("broken/one", "git_failed"),
    ],
)
async def test_what_fails_says_why(make_user: Any, service: Any, remote: Any, kind: str, reason: str) -> None:
    ada = await make_user()
    project = await found(ada)
    remote.make().commit()
    await link(ada, project, f"{remote.url}/{kind}.git")
    state = await settled(ada, project)
    assert (state["status"], state["reason"]) == ("failed", reason)
    assert state["nextSyncAt"] > state["failingSince"]
    # A redirect on the same host is offered as the new address.
    target = f"{remote.url}/canary/one.git" if kind == "redirect/one" else None
    assert state["movedTo"] == target and (target is None or target in state["message"])
    assert not any("canary" in path for path in remote.heard)
