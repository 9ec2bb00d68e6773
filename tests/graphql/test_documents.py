"""Documents over HTTP: their results, their errors, and how many statements a page takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from nexcorp.db import sql
from nexcorp.graphql.context import Context
from tests.api import API, check_counters, fetch_value, get_json, meet_crosswise
from tests.graphql.helpers import PAGE, PATH, execute, fail, fetch, list_ids, make_news, open_talk, settle
from tests.web.calls import serving

pytestmark = pytest.mark.shared
WHOLE = """{
  notificationFeed(limit: 2) {
    data {
      id type title message isRead seenAt archivedAt postId relatedLeadId createdAt updatedAt cursor
      actor { id username firstName lastName avatarUrl }
      entity { type id }
      post { id body author { username } liked createdAt }
      comment { id body author { id } }
    }
    nextCursor unreadCount epoch seq
  }
}"""


async def test_pages_are_those_of_rest(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    comments = await make_news(service, ann, bob)
    rest = await get_json(ann.client, "/notifications?limit=2")
    feed = (await fetch(ann, WHOLE))["notificationFeed"]
    assert {name: feed[name] for name in ("nextCursor", "unreadCount", "epoch", "seq")} == {
        name: value for name, value in rest.items() if name != "data"
    }
    for shown, row, comment in zip(feed["data"], rest["data"], comments[:0:-1], strict=True):
        assert shown.pop("type") == row.pop("type").upper() == "COMMENT"
        post, told, cursor = shown.pop("post"), shown.pop("comment"), shown.pop("cursor")
        assert shown == {name: row[name] for name in shown}
        assert (post["id"], post["author"]["username"], post["liked"]) == (row["postId"], ann.username, False)
        assert (told["id"], told["body"], told["author"]["id"]) == (comment["id"], "Indeed.", str(bob.id))
    assert cursor == rest["nextCursor"]
    rows = (await fetch(ann, "query ($c: String) { getNotifications(cursor: $c) { id } }", c=cursor))[
        "getNotifications"
    ]
    assert [row["id"] for row in rows] == (await list_ids(ann))[2:]
    for wanted, count in (("LIKE,comment", 3), ("like", 0)):
        found = await fetch(ann, f'{{ notificationFeed(type: "{wanted}") {{ data {{ type }} }} }}')
        assert len(found["notificationFeed"]["data"]) == count
    assert "type" in (await fail(ann, '{ notificationFeed(type: "tea") { seq } }'))["errors"]
    read = await fetch(ann, "{ getNotifications(unread: false) { id } getUnreadCount }")
    assert read == {"getNotifications": [], "getUnreadCount": 3}


async def test_mutations_change_what_rest_shows_and_tell_the_others(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    await make_news(service, ann, bob)
    live = await connect(ann)
    newest, middle, oldest = await list_ids(ann)
    marked = await fetch(
        ann, "mutation ($id: String!) { markAsRead(id: $id) { id isRead seenAt cursor } }", id=newest
    )
    assert (marked["markAsRead"]["id"], marked["markAsRead"]["isRead"]) == (newest, True)
    assert (await live.next("notification:updated"))["data"]["id"] == newest
    assert await fetch(ann, f'mutation {{ deleteNotification(id: "{oldest}") }}') == {
        "deleteNotification": True
    }
    assert (await live.next("notification:deleted"))["data"] == {"id": oldest}
    assert await fetch(ann, "mutation { markAllAsRead again: markAllAsRead }") == {
        "markAllAsRead": 1,
        "again": 0,
    }
    assert (await live.next("notifications:bulk-updated"))["data"]["updated"] == 1
    assert await get_json(ann.client, "/notifications/unread-count") == {"count": 0}
    assert await list_ids(ann) == [newest, middle]
    await settle(service)
    await check_counters(service)


async def test_what_is_another_users_is_not_found_as_over_rest(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user(role="admin")
    await make_news(service, ann, bob, 1)
    (mine,) = await list_ids(ann)
    for field in ("markAsRead(id: $id) { id }", "deleteNotification(id: $id)"):
        for wanted in (mine, str(uuid4())):
            error = await fail(eve, f"mutation ($id: String!) {{ {field} }}", id=wanted)
            assert (error["code"], error["statusCode"]) == ("notification_not_found", 404)
        for wanted in ("nonsense", f"{{{mine}}}", mine.replace("-", ""), ""):
            error = await fail(eve, f"mutation ($id: String!) {{ {field} }}", id=wanted)
            assert (error["code"], error["statusCode"]) == ("validation_failed", 422)
            assert error["errors"] == {"id": ["Not a valid UUID."]}
    assert await fetch(eve, "{ getNotifications { id } getUnreadCount }") == {
        "getNotifications": [],
        "getUnreadCount": 0,
    }
    assert (await fetch(ann, PAGE))["getNotifications"][0]["isRead"] is False
    # A notification about a draft, which only its author may see, shows its receiver no text.
    await fetch_value(
        service,
        "UPDATE posts SET status = 'draft', type = 'announcement', author_id = $1 "
        "WHERE author_id = $2 RETURNING id",
        bob.id,
        ann.id,
    )
    shown = await fetch(ann, "{ getNotifications { message postId post { id } comment { id } } }")
    assert shown["getNotifications"] == [{"message": "", "postId": None, "post": None, "comment": None}]


async def test_errors_have_the_codes_of_rest(make_user: Any) -> None:
    ann = await make_user()
    rest = await ann.client.get(f"{API}/notifications?limit=1000000000")
    error = await fail(ann, "{ getNotifications(limit: 1000000000) { id } }")
    assert (error["code"], error["errors"]) == ("validation_failed", (await rest.json())["errors"])
    for value in (0, -1):
        error = await fail(ann, f"{{ notificationFeed(limit: {value}) {{ seq }} }}")
        assert (error["statusCode"], list(error["errors"])) == (422, ["limit"])
    error = await fail(ann, '{ getNotifications(cursor: "forged") { id } }')
    assert error["errors"] == {"cursor": ["Not a cursor of this list."]}
    for query, variables in (
        ("{", {}),
        ("{ nope }", {}),
        ("{ getNotifications }", {}),
        ('{ getNotifications(limit: "5") { id } }', {}),
        ("query ($n: Int) { getNotifications(limit: $n) { id } }", {"n": "five"}),
        ("query ($n: Int) { getNotifications(limit: $n) { id } }", {"n": 2**40}),
        ("mutation ($id: String!) { markAsRead(id: $id) { id } }", {}),
        ("mutation ($id: String!) { deleteNotification(id: $id) }", {"id": {"a": 1}}),
        ("subscription { notificationCreated { id } }", {}),
        ("query a { getUnreadCount } query b { getUnreadCount }", {}),
    ):
        error = await fail(ann, query, 400, **variables)
        assert (error["code"], error["statusCode"]) == ("graphql_invalid", 400), query


async def test_an_error_nobody_expected_tells_nothing(
    make_user: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    ann = await make_user()

    async def break_down(*args: Any, **values: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(sql.notifications, "get_unread_count", break_down)
    found = await execute(ann, "{ getNotifications { id } getUnreadCount }")
    (error,) = found["errors"]
    assert found["data"] is None
    assert (error["extensions"]["code"], error["extensions"]["statusCode"]) == ("internal_error", 500)
    assert error["path"] == ["getUnreadCount"]
    assert "secret" not in str(found)


async def test_the_envelope_answers_before_any_document(make_user: Any, client: Any) -> None:
    ann = await make_user()
    document = {"query": "{ getUnreadCount }"}
    answers = [
        await client.post(PATH, json=document),
        await client.post(PATH, json=document, headers={"Authorization": "Bearer x"}),
        await ann.client.post(PATH, json=[document, document]),
        await ann.client.post(PATH, json={}),
        await ann.client.post(PATH, json={**document, "variables": [1]}),
        await ann.client.post(PATH, json={"query": "{ getUnreadCount } #" + "x" * 20_000}),
        await ann.client.post(PATH, json={"query": "{ getUnreadCount \x00 }"}),
        await ann.client.post(PATH, data="{", headers={"Content-Type": "application/json"}),
        await ann.client.post(PATH, data={"query": "{ getUnreadCount }"}),
        await ann.client.get(PATH),
        await ann.client.get(f"{PATH}?query={{getUnreadCount}}&variables=[]"),
        await ann.client.get(f"{PATH}?query=mutation{{markAllAsRead}}"),
        await ann.client.put(PATH),
    ]
    found = [(answer.status, (await answer.json())["code"]) for answer in answers]
    invalid = (422, "validation_failed")
    assert found == [
        *((401, "unauthorized"), (401, "unauthorized"), *[invalid] * 5, (400, "malformed_json")),
        *((415, "unsupported_media_type"), invalid, invalid),
        *((405, "method_not_allowed"), (405, "method_not_allowed")),
    ]
    assert answers[-2].headers["Allow"] == "POST"
    wanted = {"Accept": "application/graphql-response+json, application/json;q=0.9"}
    answer = await client.session.get(
        f"{client.url}{PATH}?query={{getUnreadCount}}", headers={**wanted, **ann.headers}
    )
    assert (answer.status, answer.content_type) == (200, "application/graphql-response+json")
    assert (await answer.json(content_type=None)) == {"data": {"getUnreadCount": 0}}
    answer = await ann.client.get("/api/graphql/schema")
    assert answer.content_type == "text/plain"
    assert "markAsRead(id: String!): Notification!" in await answer.text()


async def test_a_type_of_another_release_is_shown_as_other(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    await make_news(service, ann, bob, 2)
    newest = (await list_ids(ann))[0]
    await fetch_value(
        service, "UPDATE notifications SET type = 'tea_time' WHERE id = $1::text::uuid RETURNING id", newest
    )
    shown = (await fetch(ann, "{ getNotifications { type title message } }"))["getNotifications"]
    assert shown[0] == {"type": "OTHER", "title": "There is something new.", "message": ""}
    assert shown[1]["type"] == "COMMENT"


async def test_a_document_counts_as_one_request(web_only: Any, make_user: Any) -> None:
    async with serving(web_only, rate_limit_user=2) as (_, client):
        for left in ("1", "0"):
            answer = await client.post(PATH, json={"query": "{ getUnreadCount again: getUnreadCount }"})
            assert (answer.status, answer.headers["RateLimit-Remaining"]) == (200, left)
        answer = await client.post(PATH, json={"query": "{ getUnreadCount }"})
        assert (answer.status, (await answer.json())["code"]) == (429, "too_many_requests")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await open_talk(client, client)
        assert refused.value.status == 429


class Counted:
    """A connection that notes the statements it runs."""

    def __init__(self, conn: Any, noted: list[str]) -> None:
        self.conn, self.noted = conn, noted

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.conn, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute"):
            return call

        def note(text: str, *values: Any) -> Any:
            self.noted.append(text)
            return call(text, *values)

        return note


async def test_a_page_takes_one_statement_and_one_for_each_kind(
    service: Any, make_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = await make_user(), await make_user()
    await make_news(service, ann, bob, 5)
    noted: list[str] = []
    lend = Context.connection

    @asynccontextmanager
    async def connection(context: Context) -> AsyncIterator[Any]:
        async with lend(context) as conn:
            yield Counted(conn, noted)

    monkeypatch.setattr(Context, "connection", connection)
    for number in (1, 5):
        noted.clear()
        shown = (await fetch(ann, WHOLE.replace("limit: 2", f"limit: {number}")))["notificationFeed"]["data"]
        assert len([row for row in shown if row["post"] and row["comment"]]) == number
        assert len(noted) == 1 + 2
    noted.clear()
    await fetch(ann, PAGE)
    assert len(noted) == 1


async def test_a_mutation_that_a_deadlock_ends_is_done_once_more(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    await make_news(service, ann, bob)
    done = await meet_crosswise(
        service,
        fetch(ann, "mutation { one: markAllAsRead two: markAllAsRead }"),
        ("SELECT FROM notifications WHERE receiver_id = $1 FOR UPDATE", ann.id),
        ("SELECT FROM notification_counters WHERE user_id = $1 FOR UPDATE", ann.id),
    )
    assert done == {"one": 3, "two": 0}
    assert await fetch(ann, "{ getUnreadCount }") == {"getUnreadCount": 0}
