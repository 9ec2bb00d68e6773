"""Suggested words: a word is known while a text has it, from the first such text to the last."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from nexcorp.db import Database, sql
from nexcorp.delivery.events import Event
from nexcorp.features import PRODUCT
from nexcorp.features.comments.service import create_comment, delete_comment, update_comment
from nexcorp.features.posts.service import create_post, delete_post
from nexcorp.features.users.service import take_leave
from tests.api import API, fetch, fetch_value, publish, say
from tests.callers import make_caller
from tests.clients import PATIENCE
from tests.conftest import wait_until
from tests.features.search.waiting import delivered
from workers.delivery import Delivery
from workers.jobs.words import settle_part

Write = Callable[..., Awaitable[UUID]]


async def drop(messages: list[Any]) -> None:
    """Publish nothing: no test here needs Redis."""


@pytest.fixture
def worker(database: Database) -> Delivery:
    """A worker whose steps the test calls itself."""
    return Delivery(database, drop, PRODUCT)


@pytest.fixture
async def author(database: Database) -> UUID:
    """The id of a user who writes the texts."""
    async with database.connection() as conn:
        found: UUID = await conn.fetchval(
            "INSERT INTO users (email, username) VALUES ('a@example.com', 'ada') RETURNING id"
        )
    return found


@pytest.fixture
def post(database: Database, author: UUID) -> Write:
    """`await post("text")`: make a post; its id."""

    async def write(body: str, title: str | None = None) -> UUID:
        async with database.transaction() as conn:
            made = await create_post(conn, author, {"type": "normal", "title": title, "body": body})
        found: UUID = made["id"]
        return found

    return write


@pytest.fixture
def comment(database: Database, author: UUID) -> Write:
    """`await comment(post_id, "text")`: make a comment; its id."""

    async def write(post_id: UUID, body: str) -> UUID:
        async with database.transaction() as conn:
            made = await create_comment(conn, author, {"postId": post_id, "parentId": None, "body": body})
        found: UUID = made["id"]
        return found

    return write


async def known(database: Database) -> set[str]:
    """The words that may be suggested."""
    async with database.connection() as conn:
        return {row["word"] for row in await conn.fetch("SELECT word FROM search_words")}


async def settle(database: Database) -> None:
    """Settle all words in doubt: delete those that no text has any more."""
    while await settle_part(database, PRODUCT):
        pass


async def settle_behind(settling: asyncio.Task[int], database: Database) -> None:
    """Wait for a settling that waited for a batch; if that took too long, its words are still in doubt."""
    with contextlib.suppress(asyncpg.LockNotAvailableError):
        await settling
    await settle(database)


def tell(type: str, kind: str, entity_id: UUID) -> Event:
    """An event with only what indexing reads."""
    return Event(uuid4(), type, None, kind, entity_id, {}, None)  # type: ignore[arg-type]


@asynccontextmanager
async def batch(worker: Delivery, *events: Event) -> Any:
    """Index these events in a worker's batch; when the block ends, note its words and commit."""
    async with worker.database.transaction() as conn:
        words = await worker.index(conn, events)
        yield
        if words:
            await sql.search.note_words(conn, words=words)


LIST_TABLES = "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'"


async def hold(conn: Any, words: list[str]) -> list[str]:
    """The tables with a row that holds any of these words, in any column."""
    tables = [row[0] for row in await conn.fetch(LIST_TABLES)]
    assert len(tables) > 20
    pattern = "|".join(words)
    # The row as text has all columns, with binary ones in hexadecimal digits.
    packed = "|".join(word.encode().hex() for word in words)
    return [
        table
        for table in tables
        if await conn.fetchval(f"SELECT EXISTS (SELECT FROM {table} AS t WHERE t::text ~* $1)", pattern)  # noqa: S608
        or await conn.fetchval(f"SELECT EXISTS (SELECT FROM {table} AS t WHERE t::text ~* $1)", packed)  # noqa: S608
    ]


async def test_no_table_has_a_word_of_what_is_gone(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    names = {"firstName": "Zebulonia", "lastName": "Quagmirella"}
    assert (await ann.client.patch(f"{API}/users/me", json=names)).status == 200
    once = {"Idempotency-Key": "once"}
    answer = await ann.client.post(
        f"{API}/posts", json={"title": "Snorkelwump", "body": "the first frabjousness"}, headers=once
    )
    post = await answer.json()
    comment = await say(ann, post["id"], "a vorpalblade, too")
    await delivered(service)
    words = ["zebulonia", "quagmirella", "snorkelwump", "frabjousness", "vorpalblade"]
    assert {row[0] for row in await fetch(service, "SELECT word FROM search_words")} > set(words)

    await ann.client.patch(f"{API}/posts/{post['id']}", json={"body": "the second galumphery"})
    await ann.client.patch(f"{API}/comments/{comment['id']}", json={"body": "a tulgeywood"})
    await say(bob, post["id"], "and a jubjubbird under the tulgeywood")
    await delivered(service)
    kept = "SELECT NOT EXISTS (SELECT FROM search_words WHERE word IN ('frabjousness', 'vorpalblade'))"
    await wait_until(lambda: fetch_value(service, kept))
    assert (await ann.client.delete(f"{API}/posts/{post['id']}")).status == 204
    assert (await ann.client.delete(f"{API}/users/me")).status == 204
    words += ["galumphery", "tulgeywood", "jubjubbird"]

    async def gone() -> bool:
        async with service.db.connection(wait=5) as conn:
            return not await hold(conn, words)

    await wait_until(gone)


async def test_a_word_stays_as_long_as_any_text_has_it(
    database: Database, worker: Delivery, author: UUID, post: Write, comment: Write
) -> None:
    first, second = await post("harbour, boathouse"), await post("a harbour")
    said = await comment(second, "a boathouse")
    await worker.drain()
    assert {"harbour", "boathouse"} <= await known(database)
    async with database.transaction() as conn:
        await delete_post(conn, make_caller(author), first)
    await settle(database)
    assert {"harbour", "boathouse"} <= await known(database)
    async with database.transaction() as conn:
        await delete_comment(conn, make_caller(author), said)
    await settle(database)
    assert "harbour" in await known(database)
    # A search for "boathouse" would find "boathouses", but that is another word.
    await comment(second, "two boathouses")
    await worker.drain()
    await settle(database)
    assert known_of(await known(database)) == {"harbour", "boathouses"}


def known_of(words: set[str]) -> set[str]:
    """Return those of `words` that the test writes."""
    return words & {"harbour", "boathouse", "boathouses"}


async def test_whoever_leaves_is_found_no_more_from_that_moment(
    database: Database, worker: Delivery, author: UUID
) -> None:
    async with database.transaction() as conn:
        await worker.index(conn, [tell("user.registered", "user", author)])
        assert await conn.fetchval("SELECT count(*) FROM person_documents") == 1
    async with database.transaction() as conn:
        await PRODUCT.leave(conn, author, lambda: take_leave(conn, author))
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM person_documents") == 0


async def test_a_word_that_a_batch_relies_on_is_not_taken_away(
    database: Database, worker: Delivery, author: UUID, post: Write
) -> None:
    """The batch found the word in search_words, but its document is not committed yet."""
    first = await post("a lighthouse")
    await worker.drain()
    second = await post("the other lighthouse")
    async with database.transaction() as conn:
        await delete_post(conn, make_caller(author), first)
    async with batch(worker, tell("post.created", "post", second)):
        settling = asyncio.create_task(settle_part(database, PRODUCT))
        await asyncio.sleep(0.2)
        assert not settling.done()
    await settle_behind(settling, database)
    assert "lighthouse" in await known(database)
    async with database.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM search_doubts") == 0
        await delete_post(conn, make_caller(author), second)
    await settle(database)
    assert "lighthouse" not in await known(database)


async def test_a_batch_that_hangs_is_not_waited_for(
    database: Database, worker: Delivery, author: UUID, post: Write
) -> None:
    first, second, third = [await post(text) for text in ("a lighthouse", "something", "anything")]
    await worker.drain()
    async with database.transaction() as conn:
        await delete_post(conn, make_caller(author), first)
    async with batch(worker, tell("post.updated", "post", second)):
        async with asyncio.timeout(5):
            with pytest.raises(asyncpg.LockNotAvailableError):
                await settle_part(database, PRODUCT)
        # Other batches go on meanwhile.
        async with asyncio.timeout(PATIENCE), batch(worker, tell("post.updated", "post", third)):
            assert "lighthouse" in await known(database)
    await settle(database)
    assert "lighthouse" not in await known(database)


async def test_a_text_that_changes_while_it_is_indexed_leaves_no_word(
    database: Database, worker: Delivery, author: UUID, post: Write, comment: Write
) -> None:
    """The batch read the text before the change, and notes a word that no text has any more."""
    said = await comment(await post("something"), "a lighthouse")
    async with batch(worker, tell("comment.created", "comment", said)):
        async with database.transaction() as conn:
            await update_comment(conn, make_caller(author), said, "a windmill", None, by_etag=False)
        settling = asyncio.create_task(settle_part(database, PRODUCT))
        await asyncio.sleep(0.2)
        assert not settling.done()
    await settle_behind(settling, database)
    # The document still has the words of the old text.
    assert "lighthouse" not in await known(database)
    await worker.drain()
    assert {"windmill", "something"} <= await known(database)


async def test_batches_with_the_same_new_words_wait_one_way_only(
    database: Database, author: UUID, post: Write, comment: Write
) -> None:
    """The order of the words in posts is reversed in comments, and both texts are long."""
    early = [" ".join(f"a{char}word" for char in "bcdefghijklmnop")] * 2
    late = [" ".join(f"z{char}word" for char in "bcdefghijklmnop")] * 2
    rounds = 12
    pairs = []
    for number in range(rounds):
        mark = chr(ord("b") + number)
        texts = early[0].replace("word", mark * 3), late[0].replace("word", mark * 3)
        target = await post(f"nothing {mark}")
        one = (await post(texts[0]), await comment(target, texts[1]))
        other = (await post(texts[1]), await comment(target, texts[0]))
        pairs.append((one, other))

    async def index(worker: Delivery, written: tuple[UUID, UUID]) -> None:
        events = tell("post.created", "post", written[0]), tell("comment.created", "comment", written[1])
        async with batch(worker, *events):
            pass

    workers = [Delivery(database, drop, PRODUCT) for _ in range(2)]
    for pair in pairs:
        async with asyncio.timeout(20):
            await asyncio.gather(
                *(index(worker, written) for worker, written in zip(workers, pair, strict=True))
            )
    assert len({word for word in await known(database) if word[0] in "az"}) >= 2 * 15 * rounds


async def test_comments_of_a_post_that_is_being_deleted(
    database: Database, worker: Delivery, author: UUID, post: Write, comment: Write
) -> None:
    """Deleting a post locks the post before its comments, and so does a batch."""
    target = await post("something")
    said = [await comment(target, f"comment {number}") for number in range(20)]
    events = [tell("comment.created", "comment", found) for found in said]

    async def index() -> None:
        async with batch(worker, *events):
            pass

    async with database.transaction() as conn:
        # The newest comment first, an order in which the cascade may delete.
        await conn.execute("SELECT FROM posts WHERE id = $1 FOR UPDATE", target)
        await conn.execute("DELETE FROM comments WHERE id = $1", said[-1])
        indexing = asyncio.create_task(index())
        await asyncio.sleep(0.2)
        assert not indexing.done()
        async with asyncio.timeout(PATIENCE):
            await delete_post(conn, make_caller(author), target)
    async with asyncio.timeout(20):
        await indexing
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM comment_documents") == 0


async def test_what_was_written_is_found_and_suggested_without_being_asked_for(
    service: Any, make_user: Any
) -> None:
    """The running worker does it soon: the test drains and settles nothing."""
    ann = await make_user()
    post = await publish(ann, body="xylophone")

    async def finds(text: str, meant: str | None) -> bool:
        page = await (await ann.client.get(f"{API}/search?q={text}")).json()
        return bool(page["data"]) and page["didYouMean"] == meant

    await wait_until(lambda: finds("xylophone", None))
    await wait_until(lambda: finds("xylophome", "xylophone"))
    await ann.client.delete(f"{API}/posts/{post['id']}")
    await wait_until(
        lambda: fetch_value(service, "SELECT NOT EXISTS (SELECT FROM search_words WHERE word = 'xylophone')")
    )
