"""CSV files of leads: imported by a job, row by row; exported as a stream; re-imported without a change."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest

from nexcorp.db import sql
from tests.api import API, NOBODY, bring_in, create, fetch, fetch_value, get_json, outbox_empty, refused
from tests.conftest import wait_until
from tests.realtime.helpers import subscribe

pytestmark = pytest.mark.shared


async def take_out(user: Any, query: str) -> str:
    """Export a list as CSV."""
    answer = await user.client.get(f"{API}/leads/export{query}")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text: str = await answer.text()
    return text


def counts(created: int = 0, updated: int = 0, skipped: int = 0, failed: int = 0) -> dict[str, int]:
    return {"created": created, "updated": updated, "skipped": skipped, "failed": failed}


async def test_out_and_in_again_changes_nothing(service: Any, make_user: Any, connect: Any) -> None:
    await wait_until(lambda: outbox_empty(service))
    boss, other, member = [await make_user(role=role) for role in ("manager", "admin", "member")]
    live = await connect(other)
    await subscribe(live, "leads")
    text = (
        "name,email,phone,company,stage,score,owner,value,currency,lostReason,source,notes\r\n"
        f"'=HYPERLINK(1),One@csv.example,+49 (0)30 9001-1,ACME,won,70,{boss.username},1200.5,eur,,event,"
        '"two\r\nlines"\r\n'
        "\r\n"
        "Two,two@csv.example,'+49 30 90012,,lost,,,,,price,,'-1 of these\r\n"
        "Three,three@csv.example,,,,,,,,,,\r\n"
    )
    looked = await bring_in(boss, "/leads/import?dryRun=true", text)
    assert (looked["kind"], looked["counts"]) == ("leads", counts(created=3))
    assert (await get_json(boss.client, "/leads?q=csv.example"))["data"] == []
    first = await bring_in(boss, "/leads/import", text)
    assert (first["counts"], first["rowErrors"]) == (counts(created=3), [])
    three, two, one = (await get_json(other.client, "/leads?q=csv.example"))["data"]
    assert (one["name"], one["phone"], one["value"], one["currency"], one["owner"]["id"], one["notes"]) == (
        "=HYPERLINK(1)",
        "+49 (0)30 9001-1",
        "1200.50",
        "EUR",
        str(boss.id),
        "two\r\nlines",
    )
    assert (two["phone"], two["lostReason"], two["notes"]) == ("+49 30 90012", "price", "-1 of these")
    assert (three["stage"], three["source"], three["createdBy"]["id"]) == ("new", "other", str(boss.id))
    log = (await get_json(boss.client, f"/leads/{one['id']}/stage-log"))["data"]
    assert [(row["from"], row["to"]) for row in log] == [(None, "won")]

    # One frame, one event, and one notification for the whole import.
    frame = await live.next("lead:imported")
    assert frame["data"] == {"importId": first["id"], "count": 3}
    await wait_until(lambda: outbox_empty(service))
    await live.nothing("lead:created", 0.1)
    [told] = (await get_json(other.client, "/notifications"))["data"]
    title = f"{boss.username} imported 3 leads"
    assert (told["type"], told["title"], told["message"], told["entity"]) == ("lead_created", title, "", None)
    [mine] = (await get_json(boss.client, "/notifications"))["data"]
    assert (mine["type"], mine["message"]) == ("import_done", "3 leads were made or changed.")
    assert (await get_json(member.client, "/notifications"))["data"] == []

    # Two leads with the same phone, either of which a row could mean, and one without any contact.
    twin = await create(boss, "/leads", name="Twin csv.example", phone=two["phone"], allowDuplicate=True)
    await create(boss, "/leads", name="Only a name at csv.example")
    out = await take_out(other, "?q=csv.example&sort=score")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert len(rows) == 5 and rows[0]["name"] == "'=HYPERLINK(1)" and rows[0]["owner"] == boss.username
    assert (rows[0]["phone"], {row["id"] for row in rows} >= {twin["id"]}) == ("'+49 (0)30 9001-1", True)
    # An owner who lost the permission to read leads is still exported, and stays the owner.
    await fetch(service, "UPDATE users SET role = 'member' WHERE id = $1", boss.id)
    before = (await get_json(other.client, "/leads?q=csv.example"))["data"]
    for mode in ("skip", "update"):
        assert (await bring_in(other, f"/leads/import?mode={mode}", out))["counts"] == counts(skipped=5)
    again = text.replace(boss.username, "")
    for mode in ("skip", "update"):
        assert (await bring_in(other, f"/leads/import?mode={mode}", again))["counts"] == counts(skipped=3)
    assert (await get_json(other.client, "/leads?q=csv.example"))["data"] == before
    events = "SELECT count(*) FROM events WHERE entity_type = 'import' AND actor_id = ANY($1::uuid[])"
    assert await fetch_value(service, events, [boss.id, other.id]) == 1


async def test_what_is_known_is_skipped_changed_or_made_once_more(service: Any, make_user: Any) -> None:
    boss = await make_user(role="manager")
    ann = await create(boss, "/leads", name="Ann", email="Ann@known.example", phone="+1 757 555 0001")
    bob = await create(boss, "/leads", name="Bob", phone="+1 757 555 0002", notes="Kept.")
    text = (
        "name,email,phone,stage,notes\n"
        "Of the same office,other@known.example,+1 757 555 0001,,\n"
        "Ann B.,aNN@known.example,001-757-5550001,won,\n"
        "Bob,bob@known.example,+1 (757) 5550002,,\n"
        "New,new@known.example,,,\n"
        "New again,NEW@known.example,,,\n"
    )
    path = "/leads/import?mode="
    assert (await bring_in(boss, f"{path}skip&dryRun=true", text))["counts"] == counts(1, 0, 4)
    found = await bring_in(boss, f"{path}update", text)
    assert found["counts"] == counts(1, 2, 0, 2)
    assert [(error["row"], error["field"], error["code"]) for error in found["rowErrors"]] == [
        (2, "phone", "lead_duplicate"),
        (6, None, "duplicate_row"),
    ]
    seen = await get_json(boss.client, f"/leads/{ann['id']}")
    assert (seen["name"], seen["stage"], seen["email"], seen["version"]) == (
        "Ann B.",
        "won",
        "aNN@known.example",
        2,
    )
    log = (await get_json(boss.client, f"/leads/{ann['id']}/stage-log"))["data"]
    assert [(row["from"], row["to"]) for row in log] == [(None, "new"), ("new", "won")]
    trail = (await get_json(boss.client, f"/events?entityType=lead&entityId={ann['id']}&actor={boss.id}"))[
        "data"
    ]
    assert [event["type"] for event in trail] == ["lead.updated", "lead.moved", "lead.created"]
    assert trail[1]["payload"] == {
        **{"from": "new", "to": "won", "reason": None, "version": 2},
        "importId": found["id"],
    }
    assert "Ann" not in str([event["payload"] for event in trail])
    # Columns that the file lacks keep their values.
    seen = await get_json(boss.client, f"/leads/{bob['id']}")
    assert (seen["email"], seen["notes"]) == ("bob@known.example", "Kept.")
    call = boss.client.post(f"{API}/leads", json={"name": "Bob", "email": "BOB@known.example"})
    assert (await refused(call, 409, "lead_duplicate"))["leadIds"] == [bob["id"]]
    assert (await bring_in(boss, f"{path}update", text))["counts"] == counts(0, 0, 3, 2)
    one = f"id,name,email\n{bob['id']},Bob,aNN@known.example\n"
    [error] = (await bring_in(boss, f"{path}update", one))["rowErrors"]
    assert (error["row"], error["code"]) == (2, "lead_duplicate")
    assert (await bring_in(boss, f"{path}create", one))["counts"] == counts(1)
    assert len((await get_json(boss.client, "/leads?q=aNN@known.example"))["data"]) == 2

    # A lead that shares its address gets a number of its own, not one of another lead, by id or by address.
    twin = await create(
        boss, "/leads", name="Twin", email="bob@known.example", phone="+1 5", allowDuplicate=True
    )
    for number, refusals in (("+1 757 555 0003", []), ("+1 757 555 0001", ["lead_duplicate"])):
        for row in (f"{twin['id']},Twin,bob@known.example", ",New,new@known.example"):
            number += "1" if not refusals else ""
            found = await bring_in(boss, f"{path}update", f"id,name,email,phone\n{row},{number}\n")
            assert [error["code"] for error in found.get("rowErrors", [])] == refusals, row
    assert (await boss.client.delete(f"{API}/leads/{twin['id']}")).status == 204

    # By one file, a lead gets an address that a row behind it has, too.
    twice = f"id,name,email\n{bob['id']},Bob,bob2@known.example\n,Bob the second,BOB2@known.example\n"
    for updated in (1, 0):
        found = await bring_in(boss, f"{path}update", twice)
        assert found["counts"] == counts(0, updated, 1 - updated, 1)
        assert [error["code"] for error in found["rowErrors"]] == ["duplicate_row"]

    body = {"name": "At once", "email": "once@known.example"}
    posts = [boss.client.post(f"{API}/leads", json=body) for _ in range(3)]
    await asyncio.gather(bring_in(boss, f"{path}skip", "name,email\nx,Once@known.example\n"), *posts)
    assert len((await get_json(boss.client, "/leads?q=once@known.example"))["data"]) == 1

    async with service.db.transaction(wait=5) as conn:
        await sql.leads.lock_keys(conn, keys=[f"email:{n}@x.example" for n in range(10_000)])
        held = await conn.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    assert held <= 257


async def test_each_row_stands_or_falls_by_itself(service: Any, make_user: Any) -> None:
    boss, member = await make_user(role="manager"), await make_user()
    text = (
        "id,name,email,phone,stage,score,owner,value\n"
        ",Good,good@rows.example,,,,,\n"
        "\n"
        ",,b@rows.example,,,,,\n"
        ",Bad,b@rows,,,,,\n"
        ",Bad,b@rows.example,,lost,,,\n"
        ",Bad,b@rows.example,,,101,,\n"
        ",Bad,b@rows.example,,,,nobody_at_all,\n"
        f",Bad,b@rows.example,,,,{member.username},\n"
        ",Bad,b@rows.example,,,,,12\n"
        f"{NOBODY},Bad,b@rows.example,,,,,\n"
        ",Nothing to be known by,,,,,,\n"
    )
    found = await bring_in(boss, "/leads/import", text)
    assert found["counts"] == counts(created=1, failed=9)
    assert [(error["row"], error["field"]) for error in found["rowErrors"]] == [
        (4, "name"),
        (5, "email"),
        (6, "lostReason"),
        (7, "score"),
        (8, "owner"),
        (9, "owner"),
        (10, "currency"),
        (11, "id"),
        (12, "email"),
    ]
    headers = {"Content-Type": "text/csv"}
    for query, body, status in (
        ("", "title\nx\n", 422),
        ("", "email\nx@rows.example\n", 422),
        ("?mode=merge", "name\nx\n", 422),
    ):
        call = boss.client.post(f"{API}/leads/import{query}", data=body, headers=headers)
        await refused(call, status, "validation_failed")
    await refused(boss.client.post(f"{API}/leads/import", json={"name": "x"}), 415)
    await refused(boss.client.get(f"{API}/leads/export?limit=5"), 422)

    # A role that may add leads, but not change them.
    await fetch(service, "INSERT INTO role_permissions (role, permission) VALUES ('member', 'lead:create')")
    try:
        with_update = member.client.post(f"{API}/leads/import?mode=update", data="name\nx\n", headers=headers)
        await refused(with_update, 403, "permission_required")
        async with service.db.transaction(wait=5) as conn:
            options = {"mode": "update", "dryRun": False}
            made = await sql.imports.create_import(
                conn,
                owner_id=member.id,
                kind="leads",
                options=options,
                body=b"name,email\nx,x@rows.example\n",
            )
        # The import waits until another one wakes the job.
        await bring_in(boss, "/leads/import", "name,email\nGood,good@rows.example\n")
        refusal = await get_json(member.client, f"/imports/{made['id']}")
        assert [error["code"] for error in refusal["rowErrors"]] == ["permission_required"]
    finally:
        await fetch(
            service, "DELETE FROM role_permissions WHERE role = 'member' AND permission = 'lead:create'"
        )
