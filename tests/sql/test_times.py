"""Quiet hours and digests by the wall clock, wherever it is changed."""

from __future__ import annotations

from datetime import time
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

QUIET = "SELECT quiet_end($1, $2, $3, $4::text::timestamptz) AT TIME ZONE 'UTC'"
NEXT = "SELECT next_digest($1, $2, $3, $4::text::timestamptz) AT TIME ZONE 'UTC'"
PERIOD = "SELECT digest_period($1, $2, $3::text::timestamptz)"
BERLIN, NEW_YORK, CAIRO, LORD_HOWE = (
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "Australia/Lord_Howe",
)


def clock(text: str) -> time:
    return time.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "start", "end", "at", "until"),
    [
        # [from, to), within a day and over midnight.
        ("UTC", "12:00", "13:00", "2026-06-01 11:59:59.999999", None),
        ("UTC", "12:00", "13:00", "2026-06-01 12:00", "2026-06-01 13:00"),
        ("UTC", "12:00", "13:00", "2026-06-01 12:59:59.999999", "2026-06-01 13:00"),
        ("UTC", "12:00", "13:00", "2026-06-01 13:00", None),
        ("UTC", "22:00", "07:00", "2026-06-01 21:59:59", None),
        ("UTC", "22:00", "07:00", "2026-06-01 22:00", "2026-06-02 07:00"),
        ("UTC", "22:00", "07:00", "2026-06-02 06:59:59", "2026-06-02 07:00"),
        ("UTC", "22:00", "07:00", "2026-06-02 07:00", None),
        ("UTC", "22:00", "00:00", "2026-12-31 23:59:59", "2027-01-01 00:00"),
        ("UTC", "22:00", "00:00", "2026-06-02 00:00", None),
        ("UTC", "00:00", "07:00", "2026-06-02 00:00", "2026-06-02 07:00"),
        # No quiet hours.
        ("UTC", None, None, "2026-06-02 00:00", None),
        # Five hours and three quarters ahead.
        ("Asia/Kathmandu", "22:00", "07:00", "2026-06-01 16:14:59", None),
        ("Asia/Kathmandu", "22:00", "07:00", "2026-06-01 16:15", "2026-06-02 01:15"),
        # Berlin, 29 March 2026: at 01:00Z the clocks go from 02:00 to 03:00.
        (BERLIN, "22:00", "07:00", "2026-03-28 21:00", "2026-03-29 05:00"),
        (BERLIN, "22:00", "07:00", "2026-03-28 20:59:59", None),
        (BERLIN, "22:00", "07:00", "2026-03-29 04:59:59", "2026-03-29 05:00"),
        (BERLIN, "22:00", "07:00", "2026-03-29 05:00", None),
        (BERLIN, "22:00", "02:30", "2026-03-29 00:59:59", "2026-03-29 01:30"),
        (BERLIN, "22:00", "02:30", "2026-03-29 01:00", None),
        (BERLIN, "02:30", "07:00", "2026-03-29 00:59:59", None),
        (BERLIN, "02:30", "07:00", "2026-03-29 01:00", "2026-03-29 05:00"),
        # Berlin, 25 October 2026: at 01:00Z from 03:00 to 02:00; 02:30 is at 00:30Z and at 01:30Z.
        (BERLIN, "22:00", "07:00", "2026-10-24 20:00", "2026-10-25 06:00"),
        (BERLIN, "22:00", "07:00", "2026-10-25 05:59:59", "2026-10-25 06:00"),
        (BERLIN, "22:00", "07:00", "2026-10-25 06:00", None),
        (BERLIN, "22:00", "02:30", "2026-10-25 00:29:59", "2026-10-25 01:30"),
        (BERLIN, "22:00", "02:30", "2026-10-25 01:29:59", "2026-10-25 01:30"),
        (BERLIN, "22:00", "02:30", "2026-10-25 01:30", None),
        # New York, 8 March 2026 at 07:00Z, 1 November 2026 at 06:00Z.
        (NEW_YORK, "22:00", "07:00", "2026-03-08 02:59:59", None),
        (NEW_YORK, "22:00", "07:00", "2026-03-08 03:00", "2026-03-08 11:00"),
        (NEW_YORK, "22:00", "02:30", "2026-03-08 06:59:59", "2026-03-08 07:30"),
        (NEW_YORK, "22:00", "02:30", "2026-03-08 07:00", None),
        (NEW_YORK, "22:00", "07:00", "2026-11-01 02:00", "2026-11-01 12:00"),
        (NEW_YORK, "22:00", "01:30", "2026-11-01 05:29:59", "2026-11-01 06:30"),
        # Cairo, 24 April 2026: there is no midnight.
        (CAIRO, "22:00", "00:00", "2026-04-23 21:59:59", "2026-04-23 22:00"),
        (CAIRO, "22:00", "00:00", "2026-04-23 22:00", None),
        (CAIRO, "00:00", "07:00", "2026-04-23 21:59:59", None),
        (CAIRO, "00:00", "07:00", "2026-04-23 22:00", "2026-04-24 04:00"),
        # Lord Howe, 4 October 2026 at 15:30Z of the day before: half an hour, from 02:00 to 02:30.
        (LORD_HOWE, "22:00", "02:15", "2026-10-03 15:29:59", "2026-10-03 15:45"),
        (LORD_HOWE, "22:00", "02:15", "2026-10-03 15:30", None),
        (LORD_HOWE, "22:00", "07:00", "2026-10-03 15:30", "2026-10-03 20:00"),
        # 5 April 2026 at 15:00Z of the day before, from 02:00 to 01:30.
        (LORD_HOWE, "22:00", "01:45", "2026-04-04 14:44:59", "2026-04-04 15:15"),
    ],
)
@pytest.mark.shared
@pytest.mark.asyncio(loop_scope="module")
async def test_quiet_hours_end(service: Any, zone: str, start: Any, end: Any, at: str, until: Any) -> None:
    found = await ask(service, QUIET, zone, start and clock(start), end and clock(end), at + "+00")
    assert show(found) == until


@pytest.mark.parametrize(
    ("zone", "digest", "at", "after", "due"),
    [
        ("UTC", "none", "08:00", "2026-06-01 07:00", None),
        ("UTC", "daily", "08:00", "2026-06-01 07:59:59", "2026-06-01 08:00"),
        ("UTC", "daily", "08:00", "2026-06-01 08:00", "2026-06-02 08:00"),
        ("Asia/Kathmandu", "hourly", "08:00", "2026-06-01 07:59:59", "2026-06-01 08:00"),
        ("Asia/Kathmandu", "hourly", "08:00", "2026-06-01 08:00", "2026-06-01 09:00"),
        ("Asia/Kathmandu", "daily", "08:00", "2026-06-01 02:14:59", "2026-06-01 02:15"),
        ("Asia/Kathmandu", "daily", "08:00", "2026-06-01 02:15", "2026-06-02 02:15"),
        (BERLIN, "daily", "08:00", "2026-03-28 07:00", "2026-03-29 06:00"),
        (BERLIN, "daily", "02:30", "2026-03-29 01:29:59", "2026-03-29 01:30"),
        (BERLIN, "daily", "02:30", "2026-03-29 01:30", "2026-03-30 00:30"),
        (BERLIN, "daily", "02:30", "2026-10-25 00:30", "2026-10-25 01:30"),
        (BERLIN, "daily", "02:30", "2026-10-25 01:30", "2026-10-26 01:30"),
        (BERLIN, "hourly", "08:00", "2026-10-25 00:30", "2026-10-25 01:00"),
        (NEW_YORK, "daily", "02:30", "2026-03-08 06:59:59", "2026-03-08 07:30"),
        (NEW_YORK, "daily", "01:30", "2026-11-01 05:30", "2026-11-01 06:30"),
        (CAIRO, "daily", "00:00", "2026-04-23 21:59:59", "2026-04-23 22:00"),
        (CAIRO, "daily", "00:00", "2026-04-23 22:00", "2026-04-24 21:00"),
        (LORD_HOWE, "daily", "02:15", "2026-10-03 15:44:59", "2026-10-03 15:45"),
        (LORD_HOWE, "hourly", "02:15", "2026-10-03 15:29:59", "2026-10-03 16:00"),
    ],
)
@pytest.mark.shared
@pytest.mark.asyncio(loop_scope="module")
async def test_digests_are_due(service: Any, zone: str, digest: str, at: str, after: str, due: Any) -> None:
    assert show(await ask(service, NEXT, zone, digest, clock(at), after + "+00")) == due


@pytest.mark.parametrize(
    ("zone", "digest", "at", "period"),
    [
        ("UTC", "none", "2026-06-01 07:00", None),
        (BERLIN, "daily", "2026-10-24 21:59:59", "2026-10-24"),
        (BERLIN, "daily", "2026-10-24 22:00", "2026-10-25"),
        # The two hours named 02:00 are two hourly periods within one day.
        (BERLIN, "hourly", "2026-10-25 00:30", "2026-10-25T00"),
        (BERLIN, "hourly", "2026-10-25 01:30", "2026-10-25T01"),
        ("Asia/Kathmandu", "daily", "2026-06-01 18:15", "2026-06-02"),
        (CAIRO, "daily", "2026-04-23 21:59:59", "2026-04-23"),
        (CAIRO, "daily", "2026-04-23 22:00", "2026-04-24"),
        # A person who moves from Tokyo to Honolulu has had that day's digest.
        ("Asia/Tokyo", "daily", "2026-06-01 23:00", "2026-06-02"),
        ("Pacific/Honolulu", "daily", "2026-06-02 18:00", "2026-06-02"),
    ],
)
@pytest.mark.shared
@pytest.mark.asyncio(loop_scope="module")
async def test_periods(service: Any, zone: str, digest: str, at: str, period: Any) -> None:
    assert await ask(service, PERIOD, zone, digest, at + "+00") == period


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
ZONES = st.sampled_from(
    ["UTC", BERLIN, NEW_YORK, CAIRO, LORD_HOWE, "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns"]
)


def test_ends_and_digests_lie_ahead_and_a_day_has_one(database_url: str) -> None:
    """In any zone and minute of two years, quiet hours end within 25 hours, digests follow each other, and no
    two daily ones in a row have the same period."""
    with psycopg.connect(database_url, autocommit=True) as conn:

        @settings(max_examples=300, deadline=None, database=None, derandomize=True)
        @given(ZONES, MINUTES, MINUTES, st.integers(1767225600, 1767225600 + 730 * 86400))
        def check(zone: str, start: time, end: time, second: int) -> None:
            row = conn.execute(
                """
                SELECT
                    q.until > a.at AND q.until <= a.at + interval '25 hours' AS ahead,
                    q.until IS NULL AS loud,
                    CASE
                        WHEN %(start)s < %(end)s THEN l.t >= %(start)s AND l.t < %(end)s
                        ELSE l.t >= %(start)s OR l.t < %(end)s
                    END AS quiet,
                    n.due > a.at AND n.due <= a.at + interval '25 hours 30 minutes' AND m.due > n.due
                        AS in_order,
                    digest_period(%(zone)s, 'daily', n.due) < digest_period(%(zone)s, 'daily', m.due) AS apart
                FROM (SELECT to_timestamp(%(second)s) AS at) AS a
                CROSS JOIN LATERAL (SELECT (a.at AT TIME ZONE %(zone)s)::time AS t) AS l
                CROSS JOIN LATERAL (SELECT quiet_end(%(zone)s, %(start)s, %(end)s, a.at) AS until) AS q
                CROSS JOIN LATERAL (SELECT next_digest(%(zone)s, 'daily', %(start)s, a.at) AS due) AS n
                CROSS JOIN LATERAL (SELECT next_digest(%(zone)s, 'daily', %(start)s, n.due) AS due) AS m
                """,
                {"zone": zone, "start": start, "end": end, "second": second},
            ).fetchone()
            assert row is not None
            ahead, loud, quiet, in_order, apart = row
            if start != end:
                assert loud is not quiet
                assert loud or ahead
            assert in_order and apart

        check()


async def ask(service: Any, text: str, *values: Any) -> Any:
    async with service.db.connection(wait=5) as conn:
        return await conn.fetchval(text, *values)


def show(moment: Any) -> str | None:
    """Return a value in the form of the tables above."""
    return None if moment is None else moment.isoformat(" ").removesuffix(":00")
