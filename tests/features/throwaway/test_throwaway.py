"""A feature is one folder: it works and shows in every document without an edit elsewhere."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from nexcorp.app import make_documents
from nexcorp.seed import seed
from tests.conftest import wait_until
from tests.contract import follow
from tests.features.throwaway import BADGES, PRODUCT
from tests.features.throwaway.conftest import API, give
from tests.realtime.helpers import ask, subscribe


async def fetch_json(user: Any, path: str) -> Any:
    answer = await user.client.get(API + path)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_routes_with_their_permission_and_errors(make_user: Any, make_shelf: Any) -> None:
    ann, bob = await make_user(role="manager"), await make_user()
    shelf, closed = await make_shelf(ann), await make_shelf(bob, open=False)
    badges = [await give(ann, bob, shelf, name) for name in ("one", "two", "three")]
    assert badges[0].keys() == {"id", "shelfId", "holderId", "name", "thanked", "version"}
    page = await fetch_json(bob, f"/badges?shelfId={shelf}&limit=2")
    rest = await fetch_json(bob, f"/badges?shelfId={shelf}&cursor={page['nextCursor']}")
    assert [row["name"] for row in page["data"] + rest["data"]] == ["three", "two", "one"]
    body = {"shelfId": shelf, "holderId": str(bob.id), "name": "four"}
    refused = await bob.client.post(f"{API}/badges", json=body)
    assert (refused.status, (await refused.json())["code"]) == (403, "permission_required")
    refused = await ann.client.post(f"{API}/badges", json={**body, "shelfId": closed})
    assert (refused.status, (await refused.json())["code"]) == (409, "shelf_closed")
    refused = await ann.client.patch(f"{API}/badges/{uuid4()}", json={"name": "x"})
    assert (refused.status, (await refused.json())["code"]) == (404, "badge_not_found")
    once = {"Idempotency-Key": "once"}
    answers = [await ann.client.post(f"{API}/badges", json=body, headers=once) for _ in range(2)]
    assert await answers[0].read() == await answers[1].read()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len((await fetch_json(bob, f"/badges?shelfId={shelf}"))["data"]) == 4


async def test_event_notification_frame_room_and_command(
    make_user: Any, make_shelf: Any, connect: Any, second_node: str
) -> None:
    ann, bob, cat = await make_user(role="admin"), await make_user(), await make_user()
    shelf, closed = await make_shelf(ann), await make_shelf(ann, open=False)
    watching, holding = await connect(cat, url=second_node), await connect(bob)
    giving = await connect(ann)
    await subscribe(watching, f"shelf:{shelf}")
    refused = await ask(watching, "subscribe", {"room": f"shelf:{closed}"})
    assert refused["data"]["code"] == "room_not_found"
    assert (await subscribe(giving, f"shelf:{closed}"))["seq"] == 0

    badge = await give(ann, bob, shelf)
    assert (await watching.next("badge:created"))["data"] == badge
    told = (await holding.next("notification:created"))["data"]
    assert (told["type"], told["title"]) == ("badge", f"{ann.username} gave you a badge")
    assert told["message"] == "It is the company's number 1."
    assert told["entity"] == {"type": "badge", "id": badge["id"]}

    thanked = await ask(holding, "thank-for-badge", {"badgeId": badge["id"]})
    assert (thanked["event"], thanked["data"]) == ("badge-thanked", {"id": badge["id"], "version": 2})
    assert (await watching.next("badge:updated"))["data"]["thanked"] is True
    told = (await giving.next("notification:created"))["data"]
    assert (told["title"], told["message"]) == (f"{bob.username} thanks you for a badge", "Best of all")
    assert (told["entity"], told["postId"]) == ({"type": "badge", "id": badge["id"]}, None)
    for badge_id in (badge["id"], "nonsense"):
        wrong = await ask(watching, "thank-for-badge", {"badgeId": badge_id})
        assert (wrong["event"], wrong["data"]["code"]) == ("error", "badge_not_found")

    assert (await ann.client.delete(f"{API}/badges/{badge['id']}")).status == 204
    assert (await watching.next("badge:deleted"))["data"] == {"id": badge["id"]}
    (told,) = (await fetch_json(ann, "/notifications"))["data"]
    assert (told["message"], told["entity"]) == ("", None)
    trail = await fetch_json(ann, "/events?type=badge.")
    assert [row["type"] for row in trail["data"]] == ["badge.removed", "badge.thanked", "badge.given"]
    assert trail["data"][2]["payload"]["number"] == 1


async def test_notifications_are_filtered_by_the_new_type(make_user: Any, make_shelf: Any) -> None:
    ann, bob = await make_user(role="manager"), await make_user()
    await give(ann, bob, await make_shelf(ann))
    await ann.client.put(f"{API}/users/{bob.id}/follow")

    async def told() -> Any:
        rows = (await fetch_json(bob, "/notifications"))["data"]
        return len(rows) == 2 and rows

    everything = await wait_until(told)
    for query, expected in (("badge", {"badge"}), ("Badge,follow", {"badge", "follow"}), ("like", set())):
        rows = (await fetch_json(bob, f"/notifications?type={query}"))["data"]
        assert {row["type"] for row in rows} == expected
        assert all(row in everything for row in rows)
    wrong = await bob.client.get(f"{API}/notifications?type=badge,medal")
    assert wrong.status == 422
    assert "badge" in (await wrong.json())["errors"]["type"][0]


async def test_what_is_given_is_found_until_it_is_taken_back(make_user: Any, make_shelf: Any) -> None:
    ann, bob = await make_user(role="manager"), await make_user()
    open_one, closed = await make_shelf(ann), await make_shelf(ann, open=False)
    badge = await give(ann, bob, open_one, "Finder of lost umbrellas")
    hidden = await give(ann, bob, closed, "Forgetter of umbrellas")

    async def find(user: Any, more: str = "") -> list[str]:
        return [row["id"] for row in (await fetch_json(user, f"/search?q=umbrella{more}"))["data"]]

    async def both() -> bool:
        return set(await find(ann)) == {badge["id"], hidden["id"]}

    await wait_until(both)
    assert await find(bob) == await find(bob, "&kind=badge") == [badge["id"]]
    assert await find(bob, "&kind=post") == []
    (row,) = (await fetch_json(bob, "/search?q=umbrella"))["data"]
    assert (row["kind"], row["highlight"]) == ("badge", "Finder of lost <mark>umbrellas</mark>")
    await ann.client.patch(f"{API}/badges/{badge['id']}", json={"name": "Finder of hats"})

    async def renamed() -> bool:
        return await find(bob) == []

    await wait_until(renamed)
    assert (await bob.client.get(f"{API}/search?q=x&kind=medal")).status == 422


async def test_the_job_runs_when_asked_and_by_itself(make_user: Any, make_shelf: Any, service: Any) -> None:
    ann, bob = await make_user(role="manager"), await make_user()
    badge = await give(ann, bob, await make_shelf(ann))

    async def polished() -> Any:
        async with service.db.connection(wait=5) as conn:
            return await conn.fetchval("SELECT polished FROM badges WHERE id = $1", UUID(badge["id"]))

    await wait_until(polished)

    async def often() -> bool:
        async with service.db.connection(wait=5) as conn:
            count: int = await conn.fetchval("SELECT count(*) FROM polishings")
        return count >= 3

    # The giving asked for one run; the others come by the schedule.
    await wait_until(often)


async def test_a_person_takes_theirs_along_and_leaves_none(
    make_user: Any, make_shelf: Any, client: Any
) -> None:
    ann, bob = await make_user(role="manager"), await make_user()
    shelf = await make_shelf(ann)
    badge = await give(ann, bob, shelf, "Mine")
    kept = await give(ann, ann, shelf, "Ann's")
    await bob.client.get(f"{API}/users/me/export")

    async def ready() -> bool:
        return (await bob.client.get(f"{API}/users/me/export")).status == 200

    await wait_until(ready)
    ticket = (await (await bob.client.post(f"{API}/auth/ticket", json={"purpose": "download"})).json())[
        "ticket"
    ]
    export = await (await client.get(f"{API}/users/me/export?ticket={ticket}")).json()
    assert [(row["id"], row["name"]) for row in export["badges"]] == [(badge["id"], "Mine")]
    assert (await bob.client.delete(f"{API}/users/me")).status == 204
    assert (await fetch_json(ann, f"/badges?shelfId={shelf}"))["data"] == [kept]


async def test_the_demo_company_has_one(service: Any) -> None:
    for _ in range(2):
        await seed(service.config, PRODUCT)
    async with service.db.connection(wait=5) as conn:
        rows = await conn.fetch(
            "SELECT b.name, u.username FROM badges AS b JOIN users AS u ON u.id = holder_id"
        )
    assert [tuple(row) for row in rows] == [("First of all", "grace")]


def test_the_documents_show_it() -> None:
    documents = make_documents(PRODUCT)
    rest, live = json.loads(documents.openapi.body), json.loads(documents.asyncapi.body)
    given = rest["paths"]["/api/v1/badges"]["post"]
    assert given["x-access"]["permission"] == "badge:give"
    refused = follow(given["responses"]["409"], rest)
    assert "- `shelf_closed`: There is no such shelf" in refused["description"]
    assert "| 404 | `badge_not_found` | There is no such badge of one's own. |" in rest["info"]["description"]
    for document in (rest, live):
        assert (
            "`badge`"
            in document["components"]["schemas"]["Notification"]["properties"]["type"]["description"]
        )
    assert "`badge`" in rest["components"]["schemas"]["Found"]["properties"]["kind"]["description"]
    assert "thanked" in live["components"]["schemas"]["Badge"]["properties"]
    messages = {message["name"]: message for message in live["components"]["messages"].values()}
    assert messages.keys() >= {"badge:created", "badge:updated", "badge:deleted", "thank-for-badge"}
    assert "seq" not in messages["badge-thanked"]["payload"]["properties"]
    codes = messages["error"]["payload"]["properties"]["data"]["properties"]["code"]["enum"]
    assert "badge_not_found" in codes
    reply = live["operations"]["thank-for-badge"]["reply"]["messages"]
    assert [follow(one, live)["name"] for one in reply] == ["badge-thanked", "error"]
    usual = make_documents()
    assert b"badge" not in usual.openapi.body + usual.asyncapi.body


async def test_graphql_has_its_query_and_a_field_of_what_others_show(
    service: Any, make_user: Any, make_shelf: Any, connect: Any
) -> None:
    ann, bob = await make_user(role="manager"), await make_user()
    shelf, holding = await make_shelf(ann), await connect(bob)
    badge = await give(ann, bob, shelf)
    await holding.next("notification:created")
    query = """query ($shelf: String!) {
      getBadges(shelfId: $shelf) { id name thanked }
      getNotifications { type badge { id shelfId } }
    }"""
    answer = await bob.client.post("/api/graphql", json={"query": query, "variables": {"shelf": shelf}})
    assert (await answer.json())["data"] == {
        "getBadges": [{name: badge[name] for name in ("id", "name", "thanked")}],
        "getNotifications": [{"type": "BADGE", "badge": {"id": badge["id"], "shelfId": shelf}}],
    }
    usual = await bob.client.get("/api/graphql/schema")
    assert "getBadges" in await usual.text()


def test_the_product_knows_what_comes_next() -> None:
    assert {"badge.given", "badge.removed", "post.created"} <= set(PRODUCT.public_events)
    assert not {"badge.moved", "badge.thanked", "user.logged_in"} & set(PRODUCT.public_events)
    kind = PRODUCT.notice_types["badge"]
    assert (kind.critical, kind.in_app, kind.email, kind.push) == (True, True, "never", False)
    assert PRODUCT.permissions[-2:] == BADGES.permissions == ("badge:give", "badge:read")
