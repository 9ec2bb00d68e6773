"""A mailbox gets a few mails an hour, whoever asks, of any kind, with any suffix behind a +."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api import API, fetch_value

REGISTER, FORGOT = f"{API}/auth/register", f"{API}/auth/password/forgot"
PASSWORD, OTHER = "a good long password", "another good password"


async def test_a_mailbox_is_not_bombed(service: Any, client: Any, make_user: Any, fetch: Any) -> None:
    aliases = ["victim@example.com", "VICTIM+@example.com", *(f"victim+{n}@example.com" for n in range(8))]
    answers = await asyncio.gather(
        *(client.post(REGISTER, json={"email": email, "password": PASSWORD}) for email in aliases)
    )
    assert {answer.status for answer in answers} == {201}
    for email in aliases[:3]:
        assert (await client.post(FORGOT, json={"email": email})).status == 202
    others = [await make_user() for _ in range(2)]
    for user in others:
        sent = {"email": "victim+new@example.com", "currentPassword": user.password}
        answer = await user.client.post(f"{API}/auth/email", json=sent)
        assert (answer.status, (await answer.json())["code"]) == (429, "too_many_mails")
    count = "SELECT count(*) FROM mails WHERE address ILIKE 'victim%'"
    assert await fetch_value(service, count) == 5
    # An hour later mails are sent again; other mailboxes and hosts were never limited.
    await fetch("UPDATE mails SET created_at = now() - interval '61 minutes'")
    assert (await client.post(FORGOT, json={"email": "victim@example.com"})).status == 202
    assert await fetch_value(service, count) == 6


async def test_notes_come_once_in_ten_minutes_to_proved_addresses_alone(
    service: Any, make_user: Any, fetch: Any
) -> None:
    known, unknown = await make_user(), await make_user(verified=False)
    for user in (known, unknown):
        for now, new in ((user.password, PASSWORD), (PASSWORD, OTHER), (OTHER, PASSWORD)):
            sent = {"currentPassword": now, "newPassword": new}
            assert (await user.client.post(f"{API}/auth/password", json=sent)).status == 204
    notes = await fetch("SELECT address FROM mails WHERE kind = 'password_changed'")
    assert [row["address"] for row in notes] == [known.email]
    # The hour's mails are used up by strangers, but the owner still gets a note.
    await fetch(
        """
        INSERT INTO mails (user_id, kind, address, mailbox)
        SELECT $1, 'reset_password', $2, $2 FROM generate_series(1, 4)
        """,
        known.id,
        known.email,
    )
    await fetch("UPDATE mails SET created_at = now() - interval '11 minutes'")
    sent = {"currentPassword": PASSWORD, "newPassword": OTHER}
    assert (await known.client.post(f"{API}/auth/password", json=sent)).status == 204
    assert await fetch_value(service, "SELECT count(*) FROM mails WHERE kind = 'password_changed'") == 2
