"""Search in any script, normalisation form and composition, by whole words and by parts of words."""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import quote

import pytest

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from tests.api import API, fetch, get_json, publish, say
from tests.features.search.waiting import delivered
from workers.jobs.documents import rebuild_part

pytestmark = pytest.mark.shared


async def find(who: Any, text: str, kind: str) -> list[dict[str, Any]]:
    """The results of one kind."""
    path = f"/search?kind={kind}&limit=100&q={quote(text)}"
    found: list[dict[str, Any]] = (await get_json(who.client, path))["data"]
    return found


async def check(who: Any, posts: dict[str, str], expected: dict[str, str]) -> None:
    """Assert that each text finds the named ones of `posts` (name -> id), by both ways to search."""
    names = {post_id: name for name, post_id in posts.items()}
    for text, wanted in expected.items():
        searched = {names.get(row["id"]) for row in await find(who, text, "post")}
        assert searched - {None} == set(wanted.split()), text
        listed = (await get_json(who.client, f"/posts?limit=100&q={quote(text)}"))["data"]
        assert {names.get(row["id"]) for row in listed} - {None} == set(wanted.split()), text


async def test_words_inside_texts_without_spaces(service: Any, make_user: Any) -> None:
    ann = await make_user()
    texts = {
        "lunch": "我们今天一起吃午餐",
        "tokyo": "明日の会議は東京で",
        "kyoto": "京都と東京",
        "bangkok": "ประชุมพรุ่งนี้ที่กรุงเทพ",
        "budget": "Q3预算review会议",
        "seoul": "내일 회의는 서울에서",
        "single": "餐",
        "wide": "ﾃｽﾄ ＡＰＩ",
    }
    posts = {name: (await publish(ann, body=body))["id"] for name, body in texts.items()}
    await delivered(service)
    await check(
        ann,
        posts,
        {
            "午餐": "lunch",
            "今天 午餐": "lunch",
            "餐": "lunch single",
            "午": "lunch",
            "会議": "tokyo",
            "東京": "tokyo kyoto",
            # Both of its pairs of letters are in the other text, but not as one word.
            "東京都": "",
            "東京 -京都": "tokyo",
            "กรุงเทพ": "bangkok",
            "ประชุม": "bangkok",
            "预算": "budget",
            "review": "budget",
            "预算review": "budget",
            '"Q3预算"': "budget",
            "算review会": "budget",
            "회의": "seoul",
            "서울": "seoul",
            "テスト": "wide",
            "api": "wide",
            "ＡＰＩ": "wide",
        },
    )
    (row,) = await find(ann, "午餐 今天", "post")
    assert row["highlight"] == "我们<mark>今天</mark>一起吃<mark>午餐</mark>"


async def test_accents_case_and_composition_make_no_difference(service: Any, make_user: Any) -> None:
    ann, zoe = await make_user(), await make_user()
    name = unicodedata.normalize("NFD", "Zoë Ångström-Łukasz")
    first, last = name.split()
    body = {"firstName": first, "lastName": last}
    assert (await zoe.client.patch(f"{API}/users/me", json=body)).status == 200
    text = "Die Prüfung im CAFÉ, ЁЛКА, Straße, ΌΔΟΣ"
    posts = {"one": (await publish(ann, body=unicodedata.normalize("NFD", text)))["id"]}
    posts["two"] = (await publish(ann, body=text))["id"]
    await delivered(service)
    words = ("prüfung", "PRUFUNG", "café", "cafe", "ёлка", "елка", "strasse", "straße", "όδος", "οδος")
    for form in ("NFC", "NFD"):
        await check(ann, posts, {unicodedata.normalize(form, word): "one two" for word in words})
    for word in ("zoe", "Zoë", "ANGSTROM", "ångström", "lukasz", "Łukasz", "zoë ang"):
        for form in ("NFC", "NFD"):
            asked = unicodedata.normalize(form, word)
            assert [row["id"] for row in await find(ann, asked, "person")] == [str(zoe.id)], word
            people = (await get_json(ann.client, f"/users?q={quote(asked)}"))["data"]
            assert people[0]["id"] == str(zoe.id), word
    (row,) = await find(ann, "angstrom", "person")
    assert "<mark>Ångström</mark>" in row["highlight"]


async def test_stop_words_are_found_where_nothing_else_is_asked(service: Any, make_user: Any) -> None:
    ann = await make_user()
    will = await make_user("for_will")
    await will.client.patch(f"{API}/users/me", json={"firstName": "An", "lastName": "Own"})
    texts = {"band": "The Who played.", "hamlet": "To be or not to be", "plain": "Budget"}
    posts = {name: (await publish(ann, body=body))["id"] for name, body in texts.items()}
    await delivered(service)
    await check(
        ann,
        posts,
        {"the who": "band", '"to be"': "hamlet", "not": "hamlet", "the budget": "plain", "who -the": ""},
    )
    for text in ("Own", "An Own", "will", "for will", "own an"):
        assert str(will.id) in [row["id"] for row in await find(ann, text, "person")], text


async def test_parts_of_compounds_and_emoji(service: Any, make_user: Any) -> None:
    ann = await make_user()
    texts = {
        "ticket": "Fixed in NEX-1234, see https://wiki.example.com/ops/run_book.html",
        "other": "NEX 99 and 1234 others",
        "node": "We use node.js 18.2; ask ada.l@example.org",
        "party": "party🎉 👍🏽 ❤️ 🇩🇪",
    }
    posts = {name: (await publish(ann, body=body))["id"] for name, body in texts.items()}
    await delivered(service)
    await check(
        ann,
        posts,
        {
            "NEX-1234": "ticket",
            "nex": "ticket other",
            "1234": "ticket other",
            "wiki": "ticket",
            "wiki.example.com": "ticket",
            "https://wiki.example.com/ops": "ticket",
            "run_book": "ticket",
            "node": "node",
            "node.js": "node",
            "js": "node",
            "18.2": "node",
            "ada.l@example.org": "node",
            "ada": "node",
            "-node": "ticket other party",
            "🎉": "party",
            "party 👍": "party",
            "❤": "party",
            "🇩🇪": "party",
            "🇩🇰": "",
            "😱": "",
        },
    )
    (row,) = await find(ann, "node.js", "post")
    assert "<mark>node</mark>.<mark>js</mark> 18.2" in row["highlight"]
    (row,) = await find(ann, "🎉", "post")
    assert row["highlight"].startswith("party<mark>🎉</mark>")


async def test_the_beginning_of_a_name_finds_people_exact_names_first(service: Any, make_user: Any) -> None:
    ann = await make_user()
    people = [await make_user(name) for name in ("quentin_x", "quentina_x", "quent_x")]
    await delivered(service)
    ids = [str(person.id) for person in people]
    for text, expected in {"quen": set(ids), "quentin": set(ids[:2]), "x quenti": set(ids[:2])}.items():
        assert {row["id"] for row in await find(ann, text, "person")} == expected, text
    assert (await find(ann, "quentin", "person"))[0]["id"] == ids[0]
    # A single letter would be the beginning of too many names.
    assert await find(ann, "q", "person") == []


async def test_a_highlight_costs_the_same_however_long_the_text_is(service: Any, make_user: Any) -> None:
    """The highlight is cut from a part of bounded size around the first match."""
    ann = await make_user()
    rows = await fetch(
        service,
        """
        SELECT
            length(cut_window(t, make_query($1))) AS letters,
            strpos(lower(cut_window(t, make_query($1))), $1) AS at
        FROM (VALUES (repeat('some words ', 1800) || $1), ($1 || repeat(' some', 3999)), ($1)) AS texts (t)
        """,
        "needle",
    )
    assert [row["letters"] <= 600 and row["at"] > 0 for row in rows] == [True] * 3
    await publish(ann, body="午餐" + "很长的文字" * 900 + "需要找到的东西。")
    await delivered(service)
    (row,) = await find(ann, "需要找到", "post")
    assert "<mark>需要找到</mark>" in row["highlight"] and len(row["highlight"]) < 700


async def test_documents_are_made_anew_in_parts(service: Any, make_user: Any) -> None:
    """Documents of an older release are rebuilt, the newest first, each part in its own transaction."""
    ann = await make_user("herbert_xyz")
    post = await publish(ann, body="鹦鹉 flamingo")
    await say(ann, post["id"], "flamingo 企鹅")
    await delivered(service)
    async with service.db.transaction(wait=5) as conn:
        for table in ("post", "comment", "person"):
            await conn.execute(f"UPDATE {table}_documents SET words = ''")  # noqa: S608
        await conn.execute("DELETE FROM search_words")
        for kind in ("post", "comment", "person", "gone"):
            await sql.search.note_rebuild(conn, kind=kind, before="ffffffff-ffff-ffff-ffff-ffffffffffff")
    assert await find(ann, "flamingo", "post") == []
    parts = 0
    while await rebuild_part(service.db, PRODUCT):
        parts += 1
    assert parts >= 7
    for kind, text in (("post", "鹦鹉"), ("comment", "企鹅"), ("person", "herbert")):
        assert len(await find(ann, text, kind)) == 1, kind
    assert (await get_json(ann.client, "/search?q=flamimgo"))["didYouMean"] == "flamingo"
