"""Search: results, highlights, suggestions, and texts that must never appear."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from nexcorp.db import sql
from nexcorp.domain import searching
from nexcorp.features.search import routes
from tests.api import API, BAD_LIMITS, fetch, get_json, publish, refused, say, walk
from tests.features.search.waiting import delivered
from workers.delivery import Delivery


async def find(who: Any, text: str, **more: str) -> list[dict[str, Any]]:
    """The results of a search."""
    extra = "".join(f"&{name}={value}" for name, value in more.items())
    return (await get_json(who.client, f"/search?q={quote(text)}{extra}"))["data"]


async def bodies(who: Any, text: str) -> set[str]:
    """The ids of the posts that a search finds."""
    return {row["id"] for row in await find(who, text, kind="post")}


async def test_posts_people_and_comments_are_found_in_their_shapes(service: Any, make_user: Any) -> None:
    ann, bob = await make_user("ann_lighthouse"), await make_user()
    post = await publish(ann, title="Lighthouse", body="We paint it on Monday.")
    comment = await say(bob, post["id"], "The lighthouse is too high for me.")
    await delivered(service)
    found = {row["kind"]: row for row in await find(bob, "lighthouse")}
    assert set(found) == {"post", "person", "comment"}
    shown = found["post"]
    assert (shown["id"], shown["title"], shown["postId"]) == (post["id"], "Lighthouse", post["id"])
    assert shown["highlight"] == "<mark>Lighthouse</mark>\nWe paint it on Monday."
    assert shown["author"]["username"] == "ann_lighthouse"
    assert shown["person"] is None
    assert shown["createdAt"] == post["createdAt"]
    shown = found["comment"]
    assert (shown["id"], shown["title"], shown["postId"]) == (comment["id"], "Lighthouse", post["id"])
    assert shown["author"]["id"] == str(bob.id)
    shown = found["person"]
    assert (shown["id"], shown["title"], shown["postId"]) == (str(ann.id), "ann_lighthouse", None)
    assert shown["person"]["id"] == str(ann.id)
    assert (shown["person"]["followed"], shown["person"]["postCount"]) == (False, 1)
    assert shown["highlight"] == "ann_<mark>lighthouse</mark>"
    for kind in found:
        assert [row["kind"] for row in await find(bob, "lighthouse", kind=kind)] == [kind]


async def test_a_title_weighs_more_than_a_text_and_more_matches_more(service: Any, make_user: Any) -> None:
    ann = await make_user()
    titled = await publish(ann, title="The harbour", body="Ships come and go all day long.")
    often = await publish(ann, body="Harbour, harbour, harbour: nothing but that.")
    once = await publish(ann, body="There is a harbour in the next town.")
    await delivered(service)
    rows = await find(ann, "harbour")
    assert [row["id"] for row in rows] == [titled["id"], often["id"], once["id"]]
    assert sorted((row["score"] for row in rows), reverse=True) == [row["score"] for row in rows]


async def test_stems_accents_and_case(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, body="Die Prüfung im Café: MEETINGS für Żółć und Ελλάδα, 東京 too.")
    await delivered(service)
    for text in ("prüfung", "Prufung", "cafe", "CAFÉ", "meeting", "zolc", "żółć", "ελλάδα", "東京"):
        assert await bodies(ann, text) == {post["id"]}, text


async def test_the_language_of_queries(service: Any, make_user: Any) -> None:
    ann = await make_user()
    red = (await publish(ann, body="red apple/pie"))["id"]
    green = (await publish(ann, body="green apple, and a pear pie"))["id"]
    await delivered(service)
    both = {red, green}
    for text, expected in {
        "apple pie": both,
        '"apple pie"': {red},
        "apple -green": {red},
        "-green": {red},
        "red or pear": both,
        "apple pear": {green},
        "cherry": set(),
        "apple/pear": {green},
        "pie/red": {red},
    }.items():
        assert await bodies(ann, text) == expected, text


ODD = [
    '"', "''", "-", "--", "!", "&", "a & | b", ":*", "foo:*", "((", "\\", "\\'", '"un closed', "or", "or or",
    "the", "%", "_", "<->", "😀", "\u202e", "\ufffd", "a" * 200, "-" * 200, '"' * 199, "' OR 1=1 --", "$1",
    "-a -b -c", "<script>", "a\tb\nc", "\ue000\ue001", " -" * 90 + "x",
]  # fmt: skip


async def test_nothing_in_a_query_is_an_error(service: Any, make_user: Any) -> None:
    ann = await make_user()
    await publish(ann, body="Something.")
    await delivered(service)
    for text in ODD:
        await get_json(ann.client, f"/search?q={quote(text)}")
        await get_json(ann.client, f"/posts?q={quote(text)}")
    for raw in ("%ED%A0%80", "%FF%FE", "%C3", "%", "%zz"):
        await get_json(ann.client, f"/search?q={raw}x")


async def test_what_is_no_query_is_422(make_user: Any) -> None:
    ann = await make_user()
    for q in ("q=", "", "q=%20%20", "q=" + "x" * 201, "q=" + "x" * 7000, "q=a%00b", "q=a&q=b", "q=a&x=1"):
        await refused(ann.client.get(f"{API}/search?{q}"), 422, "validation_failed")
    for kind in ("projects", "posts", ""):
        error = await refused(ann.client.get(f"{API}/search?q=a&kind={kind}"), 422, "validation_failed")
        assert list(error["errors"]) == ["kind"]
    for limit in BAD_LIMITS:
        await refused(ann.client.get(f"{API}/search?q=a&limit={limit}"), 422, "validation_failed")
    await refused(ann.client.get(f"{API}/search?q=a&cursor=abc"), 422, "validation_failed")


async def test_a_highlight_is_safe_html(service: Any, make_user: Any) -> None:
    ann = await make_user()
    await publish(
        ann,
        title="<b>bold</b> & \"quoted\" 'single' `tick`",
        body="<script>alert(document)</script> <img src=x onerror=alert(1)> a<b \ue000i\ue001 </mark>&lt;",
    )
    await delivered(service)
    for text in ("script", "alert", "bold", "onerror", "mark", "quoted", "img"):
        (row,) = await find(ann, text)
        plain = row["highlight"].replace("<mark>", "").replace("</mark>", "")
        assert not set(plain) & set("<>\"'`\ue000\ue001\ue002\ue003"), plain
        assert row["highlight"].count("<mark>") == row["highlight"].count("</mark>") >= 1
        assert row["title"] == "<b>bold</b> & \"quoted\" 'single' `tick`"
    (row,) = await find(ann, "alert", kind="post")
    assert "&lt;script&gt;<mark>alert</mark>(document)&lt;/script&gt;" in row["highlight"]


async def test_a_long_text_is_cut_around_what_was_found(service: Any, make_user: Any) -> None:
    ann = await make_user()
    await publish(ann, body="word " * 3000 + "needle " + "word " * 900)
    await delivered(service)
    (row,) = await find(ann, "needle")
    assert "<mark>needle</mark>" in row["highlight"]
    assert len(row["highlight"]) < 600


async def test_drafts_are_their_authors_alone(service: Any, make_user: Any) -> None:
    boss, rival = await make_user(role="manager"), await make_user(role="admin")
    draft = await publish(boss, body="project zeppelin", type="announcement", status="draft")
    await say(boss, draft["id"], "zeppelin indeed")
    await delivered(service)
    assert {row["kind"] for row in await find(boss, "zeppelin")} == {"post", "comment"}
    for text in ("zeppelin", "zeppelim", "-nothing&kind=post", "-nothing&kind=comment"):
        page = await get_json(rival.client, f"/search?q={text}")
        assert (page["data"], page["didYouMean"]) == ([], None)
    assert (await get_json(rival.client, "/posts?q=zeppelin"))["data"] == []
    # An archived post is in no list, and only its author's search still finds it.
    for status, kinds in (("published", {"post", "comment"}), ("archived", set())):
        await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": status})
        await delivered(service)
        assert {row["kind"] for row in await find(rival, "zeppelin")} == kinds
        assert {row["kind"] for row in await find(boss, "zeppelin")} == {"post", "comment"}
    assert (await get_json(rival.client, "/posts?q=zeppelin"))["data"] == []


async def test_changes_are_found_and_what_is_deleted_is_gone_at_once(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, title="walrus", body="seal")
    comment = await say(ann, post["id"], "penguin")
    await delivered(service)
    await ann.client.patch(f"{API}/posts/{post['id']}", json={"title": None, "body": "otter"})
    await ann.client.patch(f"{API}/comments/{comment['id']}", json={"body": "puffin"})
    await delivered(service)
    assert await find(ann, "walrus or seal or penguin") == []
    assert len(await find(ann, "otter or puffin")) == 2
    await ann.client.delete(f"{API}/posts/{post['id']}")
    assert await find(ann, "otter or puffin") == []


async def test_whoever_has_just_written_finds_it_before_any_worker_comes(
    service: Any, make_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rest(self: Delivery) -> int:
        return 0

    await delivered(service)
    monkeypatch.setattr(Delivery, "deliver_batch", rest)
    ann = await make_user("heronimus")
    older, newer = [await publish(ann, body=f"an egret {number}") for number in range(2)]
    comment = await say(ann, older["id"], "what egret?")
    assert [row["id"] for row in await find(ann, "egret", kind="post")] == [newer["id"], older["id"]]
    assert [row["id"] for row in await find(ann, "egret", kind="comment")] == [comment["id"]]
    assert [row["id"] for row in await find(ann, "heroni", kind="person")] == [str(ann.id)]
    for path in ("/posts?q=egrets", f"/posts?q=egrets&author={ann.id}"):
        pages = await walk(ann.client, path, 1)
        assert [row["id"] for page in pages for row in page] == [newer["id"], older["id"]]


async def test_a_search_that_takes_too_long_is_given_up(
    service: Any, make_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without time for a suggestion it is left out; without time for the search the answer is a 503."""
    ann = await make_user()
    await publish(ann, body="a pelican")
    await delivered(service)

    async def hang(conn: Any, **asked: Any) -> None:
        await conn.fetch("SELECT pg_sleep(30)")

    monkeypatch.setattr(sql.search, "list_near_words", hang)
    with monkeypatch.context() as patch:
        patch.setattr(routes, "CORRECTION_MILLISECONDS", 200)
        page = await get_json(ann.client, "/search?q=pelicam")
    assert (page["data"], page["didYouMean"]) == ([], None)
    monkeypatch.setattr(sql.posts, "list_posts_matching", hang)
    with monkeypatch.context() as patch:
        patch.setattr(searching, "SEARCH_MILLISECONDS", 50)
        await refused(ann.client.get(f"{API}/posts?q=pelican"), 503, "timeout")
    assert (await get_json(ann.client, "/search?q=pelican"))["data"]


async def test_people_are_found_by_their_names_while_they_are_active(service: Any, make_user: Any) -> None:
    ann, zoe = await make_user(role="admin"), await make_user("zm_1")
    await zoe.client.patch(f"{API}/users/me", json={"firstName": "Zoé", "lastName": "Müller-Lüdenscheidt"})
    await delivered(service)
    for text in ("zoe", "Muller", "zoé müller", "lüdenscheidt", "zm_1"):
        assert [row["id"] for row in await find(ann, text, kind="person")] == [str(zoe.id)], text
    (row,) = await find(ann, "zoe")
    assert row["title"] == "Zoé Müller-Lüdenscheidt"
    assert row["highlight"].startswith("<mark>Zoé</mark> ")
    for status, found in (("deactivated", 0), ("active", 1)):
        await ann.client.put(f"{API}/users/{zoe.id}/status", json={"status": status})
        await delivered(service)
        assert len(await find(ann, "zoe")) == found


async def test_typing_errors_find_what_was_meant(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, title="Budget", body="The quarterly migration of Müller.")
    await delivered(service)
    for text, meant in {
        "bugdet": "budget",
        "budgt": "budget",
        "Buudget": "budget",
        "migratoin": "migration",
        "quartrely bugdet": "quarterly budget",
        '"quarterly migratiom"': '"quarterly migration"',
        "muler": "muller",
    }.items():
        page = await get_json(ann.client, f"/search?q={quote(text)}")
        assert page["didYouMean"] == meant, text
        assert [row["id"] for row in page["data"]] == [post["id"]]
        assert "<mark>" in page["data"][0]["highlight"]
    for text in ("xylophone", "bud", "bxxxxt", "12345", "budget nothing"):
        page = await get_json(ann.client, f"/search?q={quote(text)}")
        assert (page["data"], page["didYouMean"]) == ([], None), text
    assert (await get_json(ann.client, "/search?q=budget"))["didYouMean"] is None
    await ann.client.delete(f"{API}/posts/{post['id']}")
    page = await get_json(ann.client, "/search?q=bugdet")
    assert (page["data"], page["didYouMean"]) == ([], None)


async def test_no_word_is_suggested_that_finds_this_viewer_nothing(service: Any, make_user: Any) -> None:
    """Also not if the word stands behind "or" or a minus sign and the other words find something."""
    boss, eve = await make_user(role="manager"), await make_user()
    await publish(boss, body="a warm welcome")
    gone = await publish(boss, body="the merger with Initech")
    archived = await publish(boss, body="a takeover", type="announcement")
    draft = await publish(boss, body="nothing", type="announcement", status="draft")
    await say(boss, draft["id"], "the acquisition of Hooli")
    await boss.client.delete(f"{API}/posts/{gone['id']}")
    await boss.client.put(f"{API}/posts/{archived['id']}/status", json={"status": "archived"})
    await delivered(service)
    for secret in ("initehc", "mergre", "takeovr", "acquisitoin", "hoolli"):
        for text in (secret, f"welcomr -{secret}", f"welcomr or {secret}", f"{secret} or welcomr"):
            page = await get_json(eve.client, f"/search?q={quote(text)}")
            told = str(page["didYouMean"])
            for word in ("initech", "merger", "takeover", "acquisition", "hooli"):
                assert word not in told.replace(secret, ""), (text, told)
            assert len(page["data"]) == ("welcomr" in text)
    page = await get_json(boss.client, f"/search?q={quote('welcomr -acquisitoin')}")
    assert page["didYouMean"] == "welcome -acquisition"


async def test_pages_join_without_a_seam(service: Any, make_user: Any) -> None:
    ann, bob = await make_user("heron_ann"), await make_user()
    ids = {str(ann.id)}
    for number in range(5):
        post = await publish(ann, body="heron " * (1 + number % 2))
        comment = await say(bob, post["id"], "A heron.")
        ids |= {post["id"], comment["id"]}
    await delivered(service)
    whole = await find(bob, "heron", limit="100")
    assert {row["id"] for row in whole} == ids
    for query in ("heron", "haron"):
        for limit in (1, 3, 11):
            pages = await walk(bob.client, f"/search?q={query}", limit)
            assert [row["id"] for page in pages for row in page] == [row["id"] for row in whole]
    pages = await walk(bob.client, "/search?q=heron&kind=comment", 2)
    assert [len(page) for page in pages] == [2, 2, 1]


CROWD = """
WITH made AS MATERIALIZED (SELECT n, uuidv7() AS id FROM generate_series(1, 3000) AS n),
added AS (
    INSERT INTO posts (id, position, author_id, body, created_at)
    SELECT made.id, made.id, $1, 'common' || CASE WHEN n = 1 THEN ' unique' ELSE '' END
        || CASE WHEN n % 100 = 0 THEN ' seldom' ELSE '' END, now()
    FROM made
)
INSERT INTO post_stats (post_id) SELECT id FROM made
"""


async def test_of_a_common_word_the_newest_are_ranked_and_rare_ones_are_found_behind(
    service: Any, make_user: Any
) -> None:
    ann = await make_user()
    await fetch(service, CROWD, ann.id)
    async with service.db.connection(wait=5) as conn:
        await sql.search.fill_posts(conn)
    pages = await walk(ann.client, "/search?q=common&kind=post", 100)
    assert sum(map(len, pages)) == 500
    assert len(await find(ann, "unique")) == 1
    assert sum(map(len, await walk(ann.client, "/search?q=seldom", 20))) == 30
    assert await bodies(ann, "-common") == set()
    assert sum(map(len, await walk(ann.client, "/posts?q=common", 100))) == 3000
    assert sum(map(len, await walk(ann.client, "/posts?q=unique", 1))) == 1


async def test_lists_of_posts_take_words_and_come_newest_first(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    ids = []
    for number in range(4):
        who = (ann, bob)[number % 2]
        ids.append((await publish(who, body="a kayak", type=("normal", "project")[number // 2]))["id"])
    await publish(ann, body="a canoe")
    await delivered(service)
    for path, expected in {
        "/posts?q=kayaks": ids[::-1],
        f"/posts?q=kayak&author={bob.id}": [ids[3], ids[1]],
        "/posts?q=kayak&type=project": [ids[3], ids[2]],
        f"/posts?q=kayak&status=open&author={ann.id}": [ids[2]],
        "/posts?q=kayak&status=completed": [],
        "/posts?q=canoe%20kayak": [],
    }.items():
        for limit in (1, 20):
            pages = await walk(ann.client, path, limit)
            assert [post["id"] for page in pages for post in page] == expected, path
    for q in ("q=", "q=" + "x" * 201):
        await refused(ann.client.get(f"{API}/posts?{q}"), 422, "validation_failed")


async def test_a_kind_is_found_by_those_who_may_see_it(service: Any, make_user: Any) -> None:
    ann = await make_user("pelican_walrus")
    await publish(ann, body="a walrus")
    await delivered(service)
    answer = await ann.client.post(f"{API}/auth/api-keys", json={"name": "robot", "scopes": ["post:read"]})
    key = await answer.json()
    robot = ann.client.as_user({"Authorization": f"Bearer {key['key']}"})
    assert {row["kind"] for row in await find(ann, "walrus")} == {"post", "person"}
    page = await get_json(robot, "/search?q=walrus")
    assert [row["kind"] for row in page["data"]] == ["post"]
    await refused(robot.get(f"{API}/search?q=walrus&kind=person"), 403, "permission_required")
    # Nor is a name suggested to a caller who may not see people.
    for client, meant in ((ann.client, "pelican"), (robot, None)):
        assert (await get_json(client, "/search?q=pelicam"))["didYouMean"] == meant
