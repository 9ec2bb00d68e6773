"""The audit trail: who sees what, filters, pages, and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from nexcorp.features import PRODUCT
from tests.api import (
    API,
    BAD_LIMITS,
    NOBODY,
    fetch,
    get_json,
    publish,
    refused,
    say,
    walk,
)  # fmt: skip

EVENTS = "/events"
KEYS = {
    "id", "type", "actor", "entityType", "entityId", "entityName", "payload", "ip", "userAgent", "requestId",
    "createdAt",
}  # fmt: skip
INSERT_PAST = """
INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, created_at)
SELECT $1, $2, 'thing', $3, jsonb_build_object('n', n), '{}', $4::timestamptz + n * interval '1 second'
FROM generate_series(1, $5) AS n
"""


async def test_an_event_says_what_who_and_from_where(make_user: Any) -> None:
    admin, ann = await make_user(role="admin"), await make_user()
    headers = {"X-Request-Id": "of-the-test", "User-Agent": "a robot"}
    answer = await ann.client.post(f"{API}/posts", json={"body": "Hello."}, headers=headers)
    post = await answer.json()
    [event] = (await get_json(admin.client, f"{EVENTS}?type=post.created"))["data"]
    assert event.keys() == KEYS
    assert (event["entityType"], event["entityId"]) == ("post", post["id"])
    assert event["actor"] == {
        "id": str(ann.id), "username": ann.username, "firstName": None, "lastName": None,
        "avatarUrl": None,
    }  # fmt: skip
    assert (event["ip"], event["userAgent"], event["requestId"]) == ("127.0.0.1", "a robot", "of-the-test")
    assert event["payload"] == {"authorId": str(ann.id), "type": "normal", "mentionedIds": []}


async def test_others_see_their_own_alone(make_user: Any) -> None:
    admin = await make_user(role="admin")
    people = [await make_user(), await make_user(role="manager")]
    for person in people:
        await publish(person)
    for person in people:
        mine = (await get_json(person.client, EVENTS))["data"]
        assert {event["actor"]["id"] for event in mine} == {str(person.id)}
        assert {"post.created", "user.logged_in", "user.registered"} <= {event["type"] for event in mine}
        assert (await get_json(person.client, f"{EVENTS}?actor={person.id}"))["data"] == mine
        for other in (admin.id, NOBODY):
            await refused(person.client.get(f"{API}{EVENTS}?actor={other}"), 403, "permission_required")
        # No filter shows events of other people.
        for query in (
            "type=post.created",
            "type=post.",
            "entityType=post",
            f"entityType=user&entityId={admin.id}",
        ):
            found = (await get_json(person.client, f"{EVENTS}?{query}"))["data"]
            assert {event["actor"]["id"] for event in found} <= {str(person.id)}, query
    every = (await get_json(admin.client, f"{EVENTS}?limit=100"))["data"]
    assert {event["actor"]["id"] for event in every} == {str(one.id) for one in (admin, *people)}
    assert (await get_json(admin.client, f"{EVENTS}?actor={people[0].id}"))["data"]


async def test_every_filter_and_every_two_of_them(make_user: Any) -> None:
    """Each combination has its own statement: each must agree with filtering all events by hand."""
    admin, ann, bea = await make_user(role="admin"), await make_user(), await make_user()
    post = await publish(ann)
    await say(bea, post["id"])
    await say(ann, post["id"])
    await bea.client.put(f"{API}/posts/{post['id']}/like")
    await bea.client.put(f"{API}/users/{ann.id}/follow")
    await bea.client.delete(f"{API}/users/{ann.id}/follow")
    everything = (await get_json(admin.client, f"{EVENTS}?limit=100"))["data"]
    assert [event["createdAt"] for event in everything] == sorted(
        (event["createdAt"] for event in everything), reverse=True
    )
    middle = everything[len(everything) // 2]["createdAt"]
    actors = [None, str(bea.id), NOBODY]
    entities = [(None, None), ("user", None), ("user", str(ann.id)), ("post", post["id"]), ("post", NOBODY)]
    types = [None, "user.followed", "user.", "comment.", "nothing.", "nothing.happened"]
    times: list[tuple[str | None, str | None]] = [(None, None), (middle, None), (None, middle)]
    seen = set()
    for actor in actors:
        for kind, entity in entities:
            for wanted in types:
                for since, until in times:
                    given = {
                        "actor": actor, "entityType": kind, "entityId": entity,
                        "type": wanted, "from": since, "to": until,
                    }  # fmt: skip
                    query = "&".join(f"{name}={quote(text)}" for name, text in given.items() if text)
                    expected = [
                        event["id"]
                        for event in everything
                        if (actor is None or (event["actor"] or {}).get("id") == actor)
                        and (kind is None or event["entityType"] == kind)
                        and (entity is None or event["entityId"] == entity)
                        and (wanted is None or event["type"] == wanted or
                             (wanted.endswith(".") and event["type"].startswith(wanted)))
                        and (since is None or event["createdAt"] >= since)
                        and (until is None or event["createdAt"] < until)
                    ]  # fmt: skip
                    found = (await get_json(admin.client, f"{EVENTS}?limit=100&{query}"))["data"]
                    assert [event["id"] for event in found] == expected, query
                    seen.add(len(expected))
    assert len(seen) > 5


async def test_pages_meet_without_gap_or_repetition(service: Any, make_user: Any) -> None:
    admin, ann = await make_user(role="admin"), await make_user()
    thing = UUID(int=7)
    start = datetime.now(UTC) - timedelta(minutes=5)
    await fetch(service, INSERT_PAST, "post.created", ann.id, thing, start, 20)
    # All at the same moment: the id decides the order.
    await fetch(service, INSERT_PAST.replace("n * interval '1 second'", "n * interval '0'"),
                "post.updated", ann.id, thing, start, 10)  # fmt: skip
    for query, count in (
        ("", None),
        (f"?actor={ann.id}&entityType=thing", 30),
        (f"?entityType=thing&entityId={thing}", 30),
        ("?type=post.created", 20),
        ("?type=post.", 30),
        ("?entityType=thing", 30),
        ("?type=post.updated", 10),
        (f"?actor={ann.id}&type=post.", 30),
    ):
        pages = await walk(admin.client, EVENTS + query, 7)
        ids = [event["id"] for page in pages for event in page]
        assert len(set(ids)) == len(ids), query
        assert count is None or len(ids) == count, query
        assert all(len(page) == 7 for page in pages[:-1]), query
        join = "&" if query else "?"
        whole = (await get_json(admin.client, f"{EVENTS}{query}{join}limit=100"))["data"]
        assert [event["id"] for event in whole] == ids, query


async def test_pages_are_stable_while_more_happens(make_user: Any) -> None:
    admin = await make_user(role="admin")
    for _ in range(6):
        await publish(admin)
    first = await get_json(admin.client, f"{EVENTS}?limit=4&type=post.created")
    await publish(admin)
    second = await get_json(admin.client, f"{EVENTS}?limit=4&type=post.created&cursor={first['nextCursor']}")
    assert len(first["data"]) == 4 and len(second["data"]) == 2
    assert not {event["id"] for event in first["data"]} & {event["id"] for event in second["data"]}


async def test_what_cannot_be_asked(make_user: Any) -> None:
    admin = await make_user(role="admin")
    foreign = (await get_json(admin.client, f"{EVENTS}?limit=1"))["nextCursor"][:-2] + "xx"
    for query in (
        "actor=me",
        "entityType=",
        "entityType=Post",
        f"entityId={NOBODY}",
        "entityType=post&entityId=7",
        "type=post",
        "type=post%25",
        "type=post.%25",
        "type=.",
        "type=post.created.twice",
        "from=yesterday",
        "from=2026-01-01T00:00:00",
        "to=1e9",
        "role=admin",
        "type=post.&type=user.",
        f"cursor={foreign}",
        *(f"limit={limit}" for limit in BAD_LIMITS),
    ):
        await refused(admin.client.get(f"{API}{EVENTS}?{query}"), 422, "validation_failed")


async def test_times_at_the_ends_of_the_calendar(make_user: Any) -> None:
    admin = await make_user(role="admin")
    for query, some in (
        ("from=0001-01-01T00:00:00%2B14:00", True),
        ("from=9999-12-31T23:59:59-12:00", False),
        ("to=0001-01-01T00:00:00%2B14:00", False),
        ("to=9999-12-31T23:59:59-12:00", True),
        ("from=2030-01-01T00:00:00Z&to=2020-01-01T00:00:00Z", False),
    ):
        assert bool((await get_json(admin.client, f"{EVENTS}?{query}"))["data"]) == some, query


async def test_people_who_are_gone_leave_their_events(service: Any, make_user: Any) -> None:
    admin, ann = await make_user(role="admin"), await make_user()
    await fetch(service, "DELETE FROM users WHERE id = $1", ann.id)
    events = (await get_json(admin.client, f"{EVENTS}?actor={ann.id}"))["data"]
    assert {"user.registered", "user.logged_in"} == {event["type"] for event in events}
    assert {str(event["actor"]) for event in events} == {"None"}


async def test_everything_of_security_interest_is_recorded(client: Any, make_user: Any) -> None:
    """A failed sign-in, too, and it records nothing of what was typed."""
    admin, ann = await make_user(role="admin"), await make_user()
    login = {"email": ann.email, "password": ann.password, "platform": "cli"}
    for wrong in ({**login, "password": "canary-password"}, {**login, "email": "canary@example.com"}):
        assert (await client.post(f"{API}/auth/login", json=wrong)).status == 401
    old = (await (await client.post(f"{API}/auth/login", json=login)).json())["refreshToken"]
    token = old
    for _ in range(2):
        answer = await client.post(f"{API}/auth/refresh", json={"refreshToken": token})
        token = (await answer.json())["refreshToken"]
    assert (await client.post(f"{API}/auth/refresh", json={"refreshToken": old})).status == 401
    await client.post(f"{API}/auth/login", json=login)
    assert (await ann.client.delete(f"{API}/auth/sessions")).status == 200
    assert (await ann.client.post(f"{API}/auth/logout")).status == 204
    events = (await get_json(admin.client, f"{EVENTS}?limit=100"))["data"]
    expected = {
        "user.registered", "user.logged_in", "user.logged_out", "user.login_failed",
        "session.revoked", "session.reuse_detected",
    }  # fmt: skip
    assert expected <= {event["type"] for event in events}
    assert expected <= PRODUCT.events.keys()
    assert "canary" not in str(events)
    about_ann = (await get_json(admin.client, f"{EVENTS}?entityType=user&entityId={ann.id}"))["data"]
    assert "user.login_failed" in {event["type"] for event in about_ann}


async def test_what_an_event_happened_to_has_the_name_it_has_now(service: Any, make_user: Any) -> None:
    admin, ann = await make_user(role="admin"), await make_user()
    post = await publish(ann, "How it begins", title="A title")
    comment = await say(ann, post["id"], "A word")
    draft = await publish(admin, "Secret", type="announcement", status="draft")
    await ann.client.put(f"{API}/users/{admin.id}/follow")

    async def names(client: Any, kind: str) -> dict[str, str | None]:
        rows = (await get_json(client, f"{EVENTS}?limit=100"))["data"]
        return {row["entityId"]: row["entityName"] for row in rows if row["entityType"] == kind}

    await ann.client.patch(f"{API}/posts/{post['id']}", json={"title": "Another"})
    assert await names(admin.client, "post") == {post["id"]: "Another", draft["id"]: "Secret"}
    assert (await names(ann.client, "comment"))[comment["id"]] == "A word"
    assert (await names(ann.client, "user"))[str(admin.id)] == admin.username
    # Only its author sees the name of a draft; a key sees only names that its scopes let it read.
    boss = await make_user(role="admin")
    assert (await names(boss.client, "post"))[draft["id"]] is None
    key = await (
        await boss.client.post(f"{API}/auth/api-keys", json={"name": "k", "scopes": ["audit:read"]})
    ).json()
    robot = boss.client.as_user({"Authorization": f"Bearer {key['key']}"})
    assert set((await names(robot, "post")).values()) == {None}
    assert set((await names(robot, "user")).values()) == {None}
    await ann.client.delete(f"{API}/comments/{comment['id']}")
    assert (await names(admin.client, "comment"))[comment["id"]] is None
    assert await fetch(service, "SELECT FROM events AS e WHERE e::text ~ 'Another|Secret|A word'") == []
