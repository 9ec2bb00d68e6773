"""Receivers, channels and times of notifications: random cases against a model in plain Python."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.delivery import emit
from nexcorp.features import PRODUCT
from workers.delivery import Delivery
from workers.telling import Channels

MUTES = ("post", "parent", "reply", "actor", "other post", "actor, ended", "actor, for an hour")
# "security" is critical by design, "mention" because the test marks it.
KINDS = ("comment", "comment", "comment", "security", "mention")


@dataclass(frozen=True)
class Case:
    """One receiver, and every property that decides about a notification."""

    kind: str
    active: bool
    there: str
    mutes: tuple[str, ...]
    in_app: bool | None
    email: str | None
    push: bool | None
    quiet: bool
    digest: str
    verified: bool
    bounced: bool
    browsers: int


MOSTLY = st.sampled_from([True] * 7 + [False])
CASES = st.builds(
    Case,
    kind=st.sampled_from(KINDS),
    active=MOSTLY,
    there=st.sampled_from(["there"] * 6 + ["gone", "draft"]),
    mutes=st.lists(st.sampled_from(MUTES), max_size=2, unique=True).map(tuple) | st.just(()),
    in_app=st.sampled_from([None, None, True, False]),
    email=st.sampled_from([None, "off", "offline", "always"]),
    push=st.sampled_from([None, True, False]),
    quiet=st.booleans(),
    digest=st.sampled_from(["none", "none", "hourly", "daily"]),
    verified=MOSTLY,
    bounced=MOSTLY.map(lambda value: not value),
    browsers=st.integers(0, 2),
)
BOTH = Channels(mail=True, push=True)


def expect(case: Case, channels: Channels) -> dict[str, Any] | None:
    """Return the expected result: None, {"held": reason}, or the plan with the reasons why channels wait."""
    critical = case.kind in ("security", "mention")
    if not case.active or (case.kind != "security" and case.there != "there"):
        return None
    holding = set(case.mutes) - {"other post", "actor, ended"}
    if not critical and holding:
        return {"held": "muted"}
    if not critical and case.in_app is False:
        return {"held": "preference"}
    declared = PRODUCT.notice_types[case.kind]
    email = declared.email if critical else case.email or declared.email
    push = declared.push if critical or case.push is None else case.push
    quiet, found = case.quiet and not critical, {}
    if quiet:
        found["silent"] = True
    if email == "off":
        found["email"] = "preference"
    elif not channels.mail:
        found["email"] = "not_configured"
    elif not case.verified:
        found["email"] = "no_address"
    elif case.bounced:
        found["email"] = "bounced"
    else:
        digest = case.digest != "none" and not critical
        found["mails"] = ["digest" if digest else "quiet_hours" if quiet else None]
    if not push:
        found["push"] = "preference"
    elif not channels.push:
        found["push"] = "not_configured"
    elif not case.browsers:
        found["push"] = "no_subscription"
    else:
        found["pushes"] = ["quiet_hours" if quiet else None] * case.browsers
    return found


class World:
    """A database, and a worker that notifies people in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.actor: UUID = UUID(int=0)

    async def begin(self) -> None:
        async with self.database.transaction(wait=5) as conn:
            self.actor = await add_person(conn)
            await conn.execute("INSERT INTO notification_types (type, critical) VALUES ('mention', true)")

    async def try_cases(self, cases: list[Case], channels: Channels) -> None:
        async with self.database.transaction(wait=5) as conn:
            people = [await self.prepare(conn, case) for case in cases]
        pushed: list[Any] = []

        async def publish(messages: list[Any]) -> None:
            pushed.extend(messages)

        await Delivery(self.database, publish, PRODUCT, channels=channels).drain()
        async with self.database.connection(wait=5) as conn:
            for case, person in zip(cases, people, strict=True):
                assert await self.read(conn, person) == expect(case, channels), case
        shown = {message.room for message in pushed if message.room.startswith("user:")}
        assert shown == {
            f"user:{person}"
            for case, person in zip(cases, people, strict=True)
            if "held" not in (expect(case, channels) or {"held": None})
        }

    async def prepare(self, conn: Any, case: Case) -> UUID:
        """Create a receiver in the state of the case, and the event to tell them; return the id."""
        person = await add_person(conn)
        other_post, post, parent, reply = (uuid4() for _ in range(4))
        for key in (post, other_post):
            await conn.execute(
                "INSERT INTO posts (id, author_id, body) VALUES ($1, $2, 'x')", key, self.actor
            )
        await conn.execute(INSERT_COMMENT, parent, post, person, None)
        await conn.execute(INSERT_COMMENT, reply, post, self.actor, parent)
        payload = {
            "postId": str(post),
            "mentionedIds": [str(person)] if case.kind == "mention" else [],
            "parentAuthorId": str(person),
            "postAuthorId": None,
        }
        if case.kind == "security":
            what: Any = {"entity": ("user", person), "payload": {"userId": str(person)}}
            await emit(conn, "password.changed", actor_id=person, **what)
        else:
            what = {"entity": ("comment", reply), "payload": payload, "root": post}
            await emit(conn, "comment.created", actor_id=self.actor, **what)
        if case.there == "gone":
            await conn.execute("DELETE FROM comments WHERE id = $1", reply)
        if case.there == "draft":
            await conn.execute(HIDE, post)
        muted = {
            "post": ("post", post),
            "parent": ("comment", parent),
            "reply": ("comment", reply),
            "other post": ("post", other_post),
        }
        for name in case.mutes:
            kind, key = muted.get(name, ("user", self.actor))
            hours = {"actor, ended": 0, "actor, for an hour": 1}.get(name)
            await conn.execute(INSERT_MUTE, person, kind, key, hours)
        if (case.in_app, case.email, case.push) != (None, None, None):
            await conn.execute(
                "INSERT INTO notification_preferences VALUES ($1, $2, $3, $4, $5)",
                *(person, case.kind, case.in_app, case.email, case.push),
            )
        if case.quiet or case.digest != "none":
            await conn.execute(INSERT_SETTINGS, person, case.quiet, case.digest)
        await conn.execute(
            """
            UPDATE users
            SET status = $2, email_verified_at = CASE WHEN $3 THEN now() END,
                email_bounced_at = CASE WHEN $4 THEN now() END
            WHERE id = $1
            """,
            *(person, "active" if case.active else "deactivated", case.verified, case.bounced),
        )
        for _ in range(case.browsers):
            await conn.execute(INSERT_BROWSER, person)
        return person

    async def read(self, conn: Any, person: UUID) -> dict[str, Any] | None:
        """Return the actual result in the form of expect(); checks the times as well."""
        held = await conn.fetch("SELECT reason FROM notifications_held WHERE receiver_id = $1", person)
        told = await conn.fetch("SELECT id, plan FROM notifications WHERE receiver_id = $1", person)
        unread = await conn.fetchval("SELECT unread FROM notification_counters WHERE user_id = $1", person)
        sent = await conn.fetch(READ_SENT, person)
        assert (unread or 0) == len(told)
        assert len(told) + len(held) <= 1
        if not told:
            assert not sent
            return {"held": held[0]["reason"]} if held else None
        found = dict(told[0]["plan"] or {})
        for name, channel in (("mails", "email"), ("pushes", "push")):
            waits = [row["reason"] for row in sent if row["channel"] == channel]
            if waits:
                found[name] = waits
        for row in sent:
            assert row["is_right"], dict(row)
        return found


async def add_person(conn: Any) -> UUID:
    name = f"p{uuid4().hex[:16]}"
    person: UUID = await conn.fetchval(
        "INSERT INTO users (email, username) VALUES ($1 || '@example.com', $1) RETURNING id", name
    )
    return person


INSERT_COMMENT = "INSERT INTO comments (id, post_id, author_id, parent_id, body) VALUES ($1, $2, $3, $4, 'x')"
HIDE = """
UPDATE posts SET type = 'announcement', status = 'draft', title = 'x', position = NULL WHERE id = $1
"""
INSERT_MUTE = """
INSERT INTO notification_mutes (user_id, entity_type, entity_id, until)
VALUES ($1, $2, $3, now() + interval '1 hour' * $4::integer)
ON CONFLICT (user_id, entity_type, entity_id)
DO UPDATE SET until = CASE
    WHEN notification_mutes.until IS NOT NULL AND excluded.until IS NOT NULL
        THEN greatest(notification_mutes.until, excluded.until)
END
"""
INSERT_SETTINGS = """
INSERT INTO notification_settings (user_id, quiet_from, quiet_to, digest, digest_at)
SELECT
    $1, CASE WHEN $2 THEN (c.now - interval '1 hour')::time END,
    CASE WHEN $2 THEN (c.now + interval '1 hour')::time END, $3, (c.now + interval '3 hours')::time
FROM (SELECT now() AT TIME ZONE 'UTC' AS now) AS c
"""
INSERT_BROWSER = """
WITH opened AS (INSERT INTO sessions (user_id, platform) VALUES ($1, 'cli') RETURNING id)
INSERT INTO push_subscriptions (user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth)
SELECT $1, o.id, sha256(o.id::text::bytea), 'https://push.example.com/' || o.id, 'push.example.com',
    decode(repeat('04', 65), 'hex'), decode(repeat('01', 16), 'hex')
FROM opened AS o
"""
# A mail is due after two minutes, a push at once; both after quiet hours, a mail also after the digest.
READ_SENT = """
SELECT
    d.channel, d.reason, d.target, d.due_at,
    d.state = 'waiting' AND d.attempts = 0
    AND d.frame_seq = (
        SELECT f.seq
        FROM room_frames AS f
        WHERE f.room = 'user:' || d.receiver_id AND f.entity_id = d.notification_id
    )
    AND (
        d.channel = 'email'
        OR d.target IN (SELECT b.id::text FROM push_subscriptions AS b WHERE b.user_id = d.receiver_id)
    )
    AND d.due_at = greatest(
        d.created_at + CASE d.channel WHEN 'email' THEN interval '2 minutes' ELSE '0' END,
        CASE WHEN d.reason IS NOT NULL THEN quiet_end(s.timezone, s.quiet_from, s.quiet_to, d.created_at) END,
        CASE WHEN d.reason = 'digest' THEN next_digest(s.timezone, s.digest, s.digest_at, d.created_at) END
    ) AS is_right
FROM deliveries AS d
LEFT JOIN notification_settings AS s ON s.user_id = d.receiver_id
WHERE d.receiver_id = $1
ORDER BY d.channel, d.target
"""


async def test_a_time_zone_that_is_gone_silences_nobody_else(
    database: Database, people: Any, comment: Any, pushed: Any
) -> None:
    """A newer PostgreSQL may lack the zone; the next worker that starts sets it to UTC."""
    ann, bob, eve = await people(3)
    async with database.transaction(wait=5) as conn:
        for person, zone in ((bob, "US/Atlantis"), (eve, "Asia/Tokyo")):
            await conn.execute(
                "INSERT INTO notification_settings "
                "(user_id, timezone, quiet_from, quiet_to, digest, next_digest_at) "
                "VALUES ($1, $2, '22:00', '07:00', 'daily', now())",
                *(person, zone),
            )
        await sql.preferences.leave_unknown_zones(conn)
        rows = await conn.fetch(
            "SELECT user_id, timezone, next_digest_at > now() AS moved FROM notification_settings"
        )
    assert {tuple(row) for row in rows} == {(bob, "UTC", True), (eve, "Asia/Tokyo", False)}
    await comment(ann, mentioned=[bob, eve])
    assert await Delivery(database, pushed, PRODUCT).drain() == 1
    assert pushed.seqs(f"user:{bob}") == pushed.seqs(f"user:{eve}") == [1]


async def test_a_batch_reads_no_text_and_no_chain_twice(database: Database) -> None:
    """Deciding who may see a thing reads no text. Chains are joined by hash or in order, whatever the planner
    expects: otherwise each of 500 events would be compared with all others."""
    verb = sql.features["preferences"].statements["decide"]
    async with database.transaction(wait=5, by_index=True) as conn:
        kinds = (await conn.prepare(verb.text)).get_parameters()
        values = ", ".join(
            "true" if kind.name == "bool" else f"'{{}}'::{kind.schema}.{kind.name}" for kind in kinds
        )
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await conn.execute(f"PREPARE decide AS {verb.text}")
        rows = await conn.fetch(f"EXPLAIN (VERBOSE) EXECUTE decide({values})")
        await conn.execute("DEALLOCATE decide")
    lines = [row[0] for row in rows]
    assert any("comments_pkey" in line for line in lines)
    assert not [line for line in lines if '"left"(' in line or "excerpt(" in line or "concat_ws(" in line]
    assert [line for line in lines if "Hash Full Join" in line or "Merge Full Join" in line]
    assert not [
        line for line in lines if ("Function Scan on" in line and "chain_" in line) or "describe_" in line
    ]


def test_any_mix_of_what_counts(config: Config) -> None:
    with asyncio.Runner() as runner:
        database = Database(replace(config, database_pool=(1, 2)))
        world = World(database)
        runner.run(database.open())
        try:
            runner.run(world.begin())

            # An assertion names its case, so no smaller example is needed.
            @settings(
                max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
            )
            @given(st.lists(CASES, min_size=25, max_size=40), st.sampled_from([BOTH, BOTH, BOTH, Channels()]))
            def check(cases: list[Case], channels: Channels) -> None:
                runner.run(world.try_cases(cases, channels))

            check()
        finally:
            runner.run(database.close())
