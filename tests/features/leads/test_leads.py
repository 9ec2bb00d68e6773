"""Leads: duplicates, stages, merging, and valid input."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.features.leads.contacts import find_phone_key
from tests.api import API, NOBODY, create, fetch, fetch_value, get_json, refused, walk
from tests.leaving import leave

pytestmark = pytest.mark.shared


async def put(user: Any, lead: Any, what: str, status: int = 200, **body: Any) -> Any:
    answer = await user.client.put(f"{API}/leads/{lead['id']}/{what}", json=body)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def patch(user: Any, lead: Any, status: int = 200, **body: Any) -> Any:
    answer = await user.client.patch(f"{API}/leads/{lead['id']}", json=body)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def list_events(service: Any, lead: Any) -> list[tuple[str, Any]]:
    rows = await fetch(
        service, "SELECT type, payload FROM events WHERE entity_id = $1 ORDER BY id", UUID(lead["id"])
    )
    return [(row["type"], row["payload"]) for row in rows]


async def test_a_lead_from_first_to_last(service: Any, make_user: Any) -> None:
    boss, other = await make_user(role="manager"), await make_user(role="admin")
    lead = await create(
        boss, "/leads", name="Ada Byron", email="ada@byron.example", value="1200.5", currency="eur"
    )
    assert (lead["value"], lead["currency"], lead["stage"], lead["score"]) == ("1200.50", "EUR", "new", 0)
    assert (lead["source"], lead["owner"], lead["createdBy"]["id"]) == ("other", None, str(boss.id))
    assert await get_json(other.client, f"/leads/{lead['id']}") == lead

    for status, body in (
        (422, {"stage": "lost"}),
        (422, {"stage": "won", "lostReason": "price"}),
        (422, {"stage": "gone"}),
        (200, {"stage": "lost", "lostReason": "price", "lostNote": "Ten times too much."}),
    ):
        lost = await put(boss, lead, "stage", status, **body)
    assert (lost["lostReason"], lost["version"]) == ("price", 2)
    # The same stage makes no new version.
    assert await put(boss, lead, "stage", stage="lost") == lost
    won = await patch(boss, lead, stage="won", version=2, ownerId=str(other.id))
    assert (won["lostReason"], won["lostNote"], won["owner"]["id"]) == (None, None, str(other.id))
    for same in ({"score": 0}, {"stage": "won"}, {"value": "1200.50"}, {"email": "ada@byron.example"}):
        assert await patch(boss, lead, **same) == won
    stale = await refused(
        boss.client.patch(f"{API}/leads/{lead['id']}", json={"score": 1, "version": 1}), 409, "stale_version"
    )
    assert stale["current"] == won
    headers = {"If-Match": '"1"'}
    for what, body in (("score", {"score": 1}), ("stage", {"stage": "new"})):
        path = f"{API}/leads/{lead['id']}/{what}"
        await refused(boss.client.put(path, json=body, headers=headers), 412, "stale_version")
    await put(boss, lead, "score", score=70)
    await patch(boss, lead, currency=None, value=None, notes="Ada's own words.")

    log = (await get_json(other.client, f"/leads/{lead['id']}/stage-log"))["data"]
    assert [(row["from"], row["to"]) for row in log] == [(None, "new"), ("new", "lost"), ("lost", "won")]
    events = await list_events(service, lead)
    kinds = ["created", "moved", "moved", "assigned", "score_updated", "updated"]
    assert [kind for kind, _ in events] == [f"lead.{kind}" for kind in kinds]
    assert events[1][1] == {"from": "new", "to": "lost", "reason": "price", "version": 2}
    assert events[4][1] == {"from": 0, "to": 70, "version": 4}
    assert "ada" not in str(events).lower()

    assert (await other.client.delete(f"{API}/leads/{lead['id']}")).status == 204
    await refused(boss.client.get(f"{API}/leads/{lead['id']}"), 404, "lead_not_found")


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("+49 (0)30 123-45", "493012345"),
        ("0049 30/12345", "493012345"),
        ("+49 30 12345 x7", "493012345"),
        ("030 12345", "03012345"),
        ("(+ )", None),
        (None, None),
    ],
)
def test_numbers_are_compared_by_their_digits(written: str | None, key: str | None) -> None:
    assert find_phone_key(written) == key


async def test_whom_we_know_is_no_new_lead(service: Any, make_user: Any) -> None:
    boss = await make_user(role="manager")
    first = await create(
        boss, "/leads", name="Grace", email="Grace@Hopper.example", phone="+1 (0)757 555-0134"
    )
    for body in ({"email": "gRACE@hopper.EXAMPLE"}, {"phone": "001.757.5550134 x3"}):
        call = boss.client.post(f"{API}/leads", json={"name": "Another", **body})
        assert (await refused(call, 409, "lead_duplicate"))["leadIds"] == [first["id"]]
        second = await create(boss, "/leads", name="Another", allowDuplicate=True, **body)
        call = boss.client.post(f"{API}/leads", json={"name": "Third", **body})
        assert (await refused(call, 409))["leadIds"] == [first["id"], second["id"]]
        assert (await boss.client.delete(f"{API}/leads/{second['id']}")).status == 204
    third = await create(boss, "/leads", name="Third", email="third@hopper.example")
    found = await patch(boss, third, 409, email=first["email"])
    assert (found["code"], found["leadIds"]) == ("lead_duplicate", [first["id"]])
    assert (await patch(boss, third, email=first["email"], allowDuplicate=True))["version"] == 2
    # The lead has this address already.
    await patch(boss, third, email=first["email"], score=3)

    # A number of its own, and the known address written otherwise, make no new duplicate.
    await patch(boss, third, email=first["email"].upper(), phone="+1 202 555 0100")
    twin = await create(boss, "/leads", name="Twin", phone="0012025550100", allowDuplicate=True)
    assert (await patch(boss, third, phone="+1 (202) 555-0100 x7"))["phone"] == "+1 (202) 555-0100 x7"
    found = await patch(boss, twin, 409, phone="+1 202 555 0100", email=first["email"])
    assert found["leadIds"] == [first["id"], third["id"]]

    calls = [
        boss.client.post(f"{API}/leads", json={"name": f"Race {n}", "email": "one@race.example"})
        for n in range(8)
    ]
    statuses = sorted(answer.status for answer in await asyncio.gather(*calls))
    assert statuses == [201, *[409] * 7]


async def test_a_merge_keeps_history_and_wipes_the_other_one(service: Any, make_user: Any) -> None:
    boss, other = await make_user(role="manager"), await make_user(role="admin")
    key = {"Idempotency-Key": str(boss.id)}
    body = {
        "name": "H. Lamarr",
        "email": "hedy@merge.example",
        "company": "Hoppers",
        "notes": "Met in Vienna. " * 600,
        "value": "10",
        "currency": "EUR",
        "ownerId": str(other.id),
    }
    loser = await (await boss.client.post(f"{API}/leads", json=body, headers=key)).json()
    oldest = await create(boss, "/leads", name="Even older")
    winner = await create(boss, "/leads", name="Hedy Lamarr", company="Frequency Hoppers", notes="Mine.")
    call = await create(other, f"/leads/{loser['id']}/interactions", kind="call", text="Spoke of torpedoes.")
    await put(boss, loser, "stage", stage="contacted")
    task = await fetch_value(
        service,
        "INSERT INTO tasks (title, lead_id, rank, creator_id) VALUES ('x', $1, 0, $2) RETURNING id",
        UUID(loser["id"]),
        boss.id,
    )
    merge = f"{API}/leads/{{}}/merge"
    for wrong in (loser["id"], NOBODY):
        await refused(boss.client.post(merge.format(loser["id"]), json={"fromId": wrong}), 422)
    answer = await boss.client.post(merge.format(loser["id"]), json={"fromId": oldest["id"]})
    assert answer.status == 200
    answer = await boss.client.post(
        merge.format(winner["id"]), json={"fromId": loser["id"]}, headers={"If-Match": '"9"'}
    )
    assert answer.status == 412
    merged = await (await boss.client.post(merge.format(winner["id"]), json={"fromId": loser["id"]})).json()
    assert (merged["name"], merged["company"], merged["version"]) == ("Hedy Lamarr", "Frequency Hoppers", 2)
    assert (merged["email"], merged["value"], merged["currency"]) == ("hedy@merge.example", "10.00", "EUR")
    assert (merged["owner"]["id"], merged["stage"]) == (str(other.id), "new")

    rows = (await get_json(boss.client, f"/leads/{winner['id']}/interactions"))["data"]
    assert [row["id"] for row in rows if row["kind"] == "call"] == [call["id"]]
    noted = "".join(row["text"] for row in reversed(rows) if row["kind"] == "note")
    for kept in ("Name: H. Lamarr", "Company: Hoppers", "Name: Even older"):
        assert kept in noted
    assert noted.count("Met in Vienna.") == 600
    log = (await get_json(boss.client, f"/leads/{winner['id']}/stage-log"))["data"]
    assert [row["to"] for row in log] == ["new", "new", "new", "contacted"]
    assert str(await fetch_value(service, "SELECT lead_id FROM tasks WHERE id = $1", task)) == winner["id"]

    for gone in (loser, oldest):
        found = await refused(boss.client.get(f"{API}/leads/{gone['id']}"), 404, "lead_merged")
        assert found["mergedInto"] == winner["id"]
        assert (await patch(boss, gone, 404, score=1))["code"] == "lead_merged"
    [row] = await fetch(service, "SELECT * FROM leads WHERE id = $1", UUID(loser["id"]))
    texts = ("name", "company", "email", "phone", "website", "notes", "email_key", "phone_key", "owner_id")
    assert all(row[name] is None for name in texts)
    answer = await refused(boss.client.post(f"{API}/leads", json=body, headers=key), 404, "answer_gone")
    call = boss.client.post(f"{API}/leads", json={"name": "Again", "email": "hedy@merge.example"})
    assert (await refused(call, 409))["leadIds"] == [winner["id"]]
    # Deleting the winner also deletes the leads merged into it.
    assert (await boss.client.delete(f"{API}/leads/{winner['id']}")).status == 204
    await refused(boss.client.get(f"{API}/leads/{loser['id']}"), 404, "lead_not_found")


async def test_what_a_merge_drops_is_noted(make_user: Any) -> None:
    boss, other = await make_user(role="manager"), await make_user("hedys_boss", role="admin")
    theirs = {
        "name": "Hedy",
        "source": "referral",
        "stage": "lost",
        "lostReason": "no_need",
        "lostNote": "Next year.",
        "score": 70,
        "ownerId": str(other.id),
        "value": "1000",
        "currency": "USD",
    }
    ours = {"name": "Hedy", "ownerId": str(boss.id), "value": "1000", "currency": "EUR"}

    async def merge(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[Any, list[str]]:
        lead, loser = [await create(boss, "/leads", **body) for body in (ours, theirs)]
        path = f"/leads/{lead['id']}"
        answer = await boss.client.post(f"{API}{path}/merge", json={"fromId": loser["id"]})
        rows = (await get_json(boss.client, f"{path}/interactions"))["data"]
        return await answer.json(), "".join(row["text"] for row in rows).splitlines()[1:]

    merged, noted = await merge(ours, theirs)
    assert (merged["value"], merged["currency"], merged["stage"]) == ("1000.00", "EUR", "new")
    assert noted == [
        "Source: referral",
        "Stage: lost",
        "Score: 70",
        "Owner: @hedys_boss",
        "Value: 1000.00 USD",
        "Reason of the loss: no need",
        "Note on the loss: Next year.",
    ]
    # Nothing is noted of what both say, and of what the lead takes over.
    assert (await merge(theirs, theirs))[1] == []
    bare = {name: theirs[name] for name in ("name", "source", "stage", "lostReason", "score")}
    merged, noted = await merge(bare, theirs)
    assert (merged["value"], merged["currency"], merged["owner"]["id"]) == ("1000.00", "USD", str(other.id))
    assert (merged["lostNote"], noted) == (None, ["Note on the loss: Next year."])
    merged, noted = await merge({"name": "Hedy"}, {"name": "Hedy", "currency": "CHF"})
    assert (merged["currency"], noted) == ("CHF", [])


async def test_two_merges_crosswise_leave_one_lead(make_user: Any) -> None:
    boss = await make_user(role="manager")
    one, two = [await create(boss, "/leads", name=f"Twin {n}") for n in (1, 2)]
    pairs = ((one, two), (two, one))
    answers = await asyncio.gather(
        *(boss.client.post(f"{API}/leads/{a['id']}/merge", json={"fromId": b["id"]}) for a, b in pairs)
    )
    assert sorted(answer.status for answer in answers) == [200, 404]
    statuses = [(await boss.client.get(f"{API}/leads/{lead['id']}")).status for lead in (one, two)]
    assert sorted(statuses) == [200, 404]


async def test_interactions_are_their_authors(service: Any, make_user: Any) -> None:
    boss, admin, manager = [await make_user(role=role) for role in ("manager", "admin", "manager")]
    lead, elsewhere = [await create(boss, "/leads", name="Alan") for _ in range(2)]
    path = f"/leads/{lead['id']}/interactions"
    old = await create(
        boss, path, kind="meeting", text="At the fair.", happenedAt="2020-05-01T10:00:00+02:00"
    )
    new = await create(boss, path, kind="note", text="Call back.")
    assert old["happenedAt"] == "2020-05-01T08:00:00.000000Z"
    assert [[row["id"] for row in page] for page in await walk(boss.client, path, 1)] == [
        [new["id"]],
        [old["id"]],
    ]
    seen = await get_json(boss.client, f"/leads/{lead['id']}")
    assert (seen["lastInteractionAt"], seen["version"]) == (new["happenedAt"], 1)

    mine = f"{API}{path}/{new['id']}"
    changed = await (await boss.client.patch(mine, json={"text": "Called back.", "version": 1})).json()
    assert (changed["text"], changed["version"], changed["kind"]) == ("Called back.", 2, "note")
    await refused(boss.client.patch(mine, json={"text": "x", "version": 1}), 409, "stale_version")
    for user in (admin, manager):
        await refused(user.client.patch(mine, json={"text": "x"}), 403, "not_your_interaction")
    wrong = f"{API}/leads/{elsewhere['id']}/interactions/{new['id']}"
    await refused(boss.client.patch(wrong, json={"text": "x"}), 404, "interaction_not_found")
    assert (await admin.client.delete(mine)).status == 204
    await refused(boss.client.delete(mine), 404, "interaction_not_found")
    for body in (
        {"kind": "fax", "text": "x"},
        {"kind": "call", "text": "x", "happenedAt": "0001-01-01T00:00:00Z"},
    ):
        await refused(boss.client.post(API + path, json=body), 422)

    await patch(boss, lead, ownerId=str(manager.id))
    await patch(boss, elsewhere, ownerId=str(boss.id))
    key, body = {"Idempotency-Key": str(boss.id)}, {"name": "Kept", "ownerId": str(boss.id)}
    kept = await (await admin.client.post(f"{API}/leads", json=body, headers=key)).json()
    assert kept["owner"]["id"] == str(boss.id)
    async with service.db.transaction(wait=5) as conn:
        assert [row["text"] for row in await conn.fetch("SELECT text FROM lead_interactions")]
        await leave(conn, boss.id)
    seen = await get_json(admin.client, f"/leads/{elsewhere['id']}")
    assert (seen["owner"], seen["createdBy"]["lastName"]) == (None, "member")
    # The answer stored for a retry no longer names the leaver either.
    again = await (await admin.client.post(f"{API}/leads", json=body, headers=key)).json()
    assert again == {**kept, "owner": None}
    [row] = (await get_json(admin.client, path))["data"]
    assert (row["text"], row["author"]["lastName"]) == ("At the fair.", "member")


async def test_lists(make_user: Any) -> None:
    boss = await make_user(role="manager")
    owner = str(boss.id)
    made = [
        await create(
            boss,
            "/leads",
            name=f"Lister {'Äpfel' if n % 2 else 'Birnen'} {n}",
            company="100%_sure",
            phone=f"+49 30 1111{n}",
            ownerId=owner,
            score=n % 3 * 10,
            source="event" if n < 3 else "partner",
            **({"value": f"{n}.10", "currency": "EUR"} if n != 2 else {}),
        )
        for n in range(5)
    ]
    await put(boss, made[1], "stage", stage="won")
    names = {lead["id"]: n for n, lead in enumerate(made)}

    async def read(query: str) -> list[int]:
        pages = await walk(boss.client, f"/leads?owner={owner}&{query}", 2)
        assert all(len(page) == 2 for page in pages[:-1])
        return [names[lead["id"]] for page in pages for lead in page]

    for query, expected in (
        ("", [4, 3, 2, 1, 0]),
        ("sort=updated", [1, 4, 3, 2, 0]),
        ("sort=score", [2, 4, 1, 3, 0]),
        ("sort=value", [4, 3, 1, 0, 2]),
        ("stage=Won", [1]),
        ("stage=new&source=event", [2, 0]),
        ("minScore=10&sort=score", [2, 4, 1]),
        ("q=apfel+LISTER", [3, 1]),
        ("q=%25_&sort=value", [4, 3, 1, 0, 2]),
        ("q=493011114", [4]),
        ("q=%5C", []),
    ):
        assert await read(query) == expected, query
    mine = (await get_json(boss.client, "/leads?owner=me"))["data"]
    assert mine and {lead["owner"]["id"] for lead in mine} == {str(boss.id)}
    page = await get_json(boss.client, "/leads?stage=won&limit=1")
    assert page["data"][0]["id"] == made[1]["id"]
    assert page.keys() == {"data", "nextCursor", "epoch", "seq"}
    cursor = (await get_json(boss.client, "/leads?limit=1"))["nextCursor"]
    for query in (
        f"sort=score&cursor={cursor}",
        "sort=name;drop",
        "minScore=101",
        "stage=gone",
        "owner=none",
        "q=",
    ):
        await refused(boss.client.get(f"{API}/leads?{query}"), 422)


async def test_what_is_wrong_is_refused_by_name(make_user: Any) -> None:
    boss, member = await make_user(role="manager"), await make_user()
    for field, values in {
        "name": ["", " ", "x" * 201, None, "\u200b", "a\x00b", 7],
        "email": ["x", "a@b", "<a@b.example>", "x" * 250 + "@b.example", []],
        "phone": ["1", "call me", "1" * 41],
        "website": ["javascript:alert(1)", "ftp://x.example", "x"],
        "score": [-1, 101, 1.5, True, "7", "NaN", 10**30],
        "value": [12, 1.5, "1,5", "-1", "1e9", "NaN", "1" * 13, "1.005", "٣"],
        "currency": ["EURO", "E1R", "€€€"],
        "stage": ["lost", "", None],
        "source": ["moon"],
        "ownerId": ["me", NOBODY, str(member.id)],
        "lostReason": ["price"],
        "id": [NOBODY],
        "email_key": ["x"],
        "mergedInto": [NOBODY],
        "allowDuplicate": ["yes"],
    }.items():
        for value in values:
            body = {"name": "Wrong", "currency": "EUR", field: value}
            error = await refused(boss.client.post(f"{API}/leads", json=body), 422)
            expected = "lostReason" if (field, value) == ("stage", "lost") else field
            assert list(error["errors"]) == [expected], (field, value)
    error = await refused(boss.client.post(f"{API}/leads", json={"name": "x", "value": "5"}), 422)
    assert list(error["errors"]) == ["currency"]
    lead = await create(boss, "/leads", name="'; DROP TABLE leads; --", notes="=HYPERLINK(1)")
    assert lead["name"] == "'; DROP TABLE leads; --"
    for body in ({}, {"version": 1}, {"allowDuplicate": True}, {"name": None}, {"version": 0, "score": 1}):
        await patch(boss, lead, 422, **body)
    await put(boss, lead, "score", 422)
