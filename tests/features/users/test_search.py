"""Finding people: prefixes first, then similar names; pages, filters, and `q` as plain text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, BAD_LIMITS, get_json, walk

PEOPLE = [
    # username, first name, last name, role, status
    ("ada", "Ada", "Lovelace", "admin", "active"),
    ("adamant", None, None, "member", "active"),
    ("grace", "Grace", "Hopper", "manager", "active"),
    ("hopkins", "Adam", "Hopkins", "member", "active"),
    ("per_cent", "Per", "Cent", "member", "active"),
    ("gone_ada", "Ada", "Gone", "member", "deactivated"),
    ("emile", "Émile", "Zola", "member", "active"),
]


@pytest.fixture
async def crowd(service: Any) -> None:
    """Insert PEOPLE, in this order."""
    async with service.db.connection() as conn:
        await conn.executemany(
            """INSERT INTO users (email, username, first_name, last_name, role, status)
            VALUES ($1 || '@example.com', $1, $2, $3, $4, $5)""",
            PEOPLE,
        )


async def find(user: Any, query: str) -> list[str]:
    """The usernames that a search finds, in order."""
    data = (await get_json(user.client, f"/users?{query}"))["data"]
    return [row["username"] for row in data]


async def test_beginnings_come_first_then_what_is_alike(crowd: None, make_user: Any) -> None:
    viewer = await make_user("viewer")
    found = await find(viewer, "q=ada")
    assert found[0] == "ada"
    assert set(found) == {"ada", "adamant", "hopkins"}
    assert set(await find(viewer, "q=hop")) == {"grace", "hopkins"}
    assert (await find(viewer, "q=HOPPER"))[0] == "grace"
    # Two words of one person, the first complete, the second a prefix.
    assert (await find(viewer, "q=grace%20%20hop"))[0] == "grace"
    # A misspelled name is found, too.
    assert (await find(viewer, "q=lovelase"))[0] == "ada"
    assert (await find(viewer, "q=zol")) == ["emile"]
    assert await find(viewer, "q=xyzzy") == []


async def test_wildcards_are_text(crowd: None, make_user: Any) -> None:
    viewer = await make_user("viewer")
    for q in ("%25", "_", "%25%25", "h%25r", "%5C", "%5C%25", "_da", "%27"):
        assert await find(viewer, f"q={q}") == [], q
    assert await find(viewer, "q=per_c") == ["per_cent"]


async def test_filters(crowd: None, make_user: Any) -> None:
    viewer, boss = await make_user("viewer"), await make_user("boss", role="admin")
    assert await find(viewer, "role=manager") == ["grace"]
    assert await find(viewer, "q=ad&role=admin") == ["ada"]
    assert "gone_ada" not in await find(viewer, "limit=100")
    answer = await viewer.client.get(f"{API}/users?status=deactivated")
    assert (answer.status, (await answer.json())["code"]) == (403, "permission_required")
    assert await find(boss, "status=deactivated") == ["gone_ada"]
    assert await find(boss, "status=deactivated&q=ada&role=member") == ["gone_ada"]


async def test_pages_by_cursor_hold_everybody_once(crowd: None, make_user: Any) -> None:
    viewer = await make_user("viewer")
    for query in ("", "?role=member", "?q=ada", "?q=h"):
        whole = (await get_json(viewer.client, f"/users{query}"))["data"]
        pages = await walk(viewer.client, f"/users{query}", 1)
        assert [row["id"] for page in pages for row in page] == [row["id"] for row in whole], query
        assert len(whole) >= 2


async def test_the_newest_come_first_and_a_newcomer_moves_no_page(crowd: None, make_user: Any) -> None:
    viewer = await make_user("viewer")
    first = await get_json(viewer.client, "/users?limit=2")
    assert [row["username"] for row in first["data"]] == ["viewer", "emile"]
    await make_user("newcomer")
    second = await find(viewer, f"limit=2&cursor={first['nextCursor']}")
    assert second == ["per_cent", "hopkins"]


async def test_pages_by_number_have_a_total(crowd: None, make_user: Any) -> None:
    viewer = await make_user("viewer")
    first = await get_json(viewer.client, "/users?page=1&pageSize=4")
    second = await get_json(viewer.client, "/users?page=2&pageSize=4")
    assert (first["total"], second["total"], first["nextCursor"]) == (7, 7, None)
    names = [row["username"] for row in (*first["data"], *second["data"])]
    assert names == ["viewer", "emile", "per_cent", "hopkins", "grace", "adamant", "ada"]
    found = await get_json(viewer.client, "/users?q=ada&pageSize=1&page=2")
    assert found["total"] == 3
    assert [row["username"] for row in found["data"]] == (await find(viewer, "q=ada"))[1:2]
    assert (await get_json(viewer.client, "/users?role=member&page=9"))["data"] == []
    assert "total" not in await get_json(viewer.client, "/users")


BAD_QUERIES = [
    *(f"limit={limit}" for limit in BAD_LIMITS),
    "cursor=forged",
    "page=0",
    "page=1&cursor=x",
    "pageSize=101",
    "pageSize=5&limit=5",
    "role=king",
    "status=deleted",
    "q=",
    "q=%20",
    "q=%00",
    "name=x",
]


async def test_bad_queries_are_refused(make_user: Any) -> None:
    boss = await make_user(role="admin")
    for query in BAD_QUERIES:
        assert (await boss.client.get(f"{API}/users?{query}")).status == 422, query


async def test_contact_data_and_status_are_for_those_who_may(crowd: None, make_user: Any) -> None:
    member, manager, boss = [await make_user(role=role) for role in ("member", "manager", "admin")]
    for viewer, seen in ((member, set()), (manager, {"email"}), (boss, {"email", "status"})):
        (row,) = (await get_json(viewer.client, "/users?q=lovelace"))["data"]
        assert row.keys() & {"email", "phone", "status"} == seen
        (own,) = (await get_json(viewer.client, f"/users?q={viewer.username}&limit=1"))["data"]
        assert own["email"] == viewer.email
