"""One-time tickets: their user is known without PostgreSQL."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from nexcorp.db import sql
from nexcorp.errors import Unauthorized
from nexcorp.security import tickets
from nexcorp.security.app_keys import DATABASE, SECRETS
from nexcorp.security.secrets import Secrets
from nexcorp.security.tickets import make_ticket, read_ticket
from tests.api import INSERT_CROWD
from tests.web.calls import serving


def test_only_what_the_service_made_lately_is_a_ticket(config: Any, monkeypatch: Any) -> None:
    keys, owner = Secrets.from_config(config), uuid4()
    ticket = make_ticket(keys, owner)
    assert read_ticket(keys, ticket) == owner
    for position in range(len(ticket)):
        other = "A" if ticket[position] != "A" else "B"
        with pytest.raises(Unauthorized):
            read_ticket(keys, ticket[:position] + other + ticket[position + 1 :])
    for wrong in ("", "A" * 70, ticket + "A", ticket[:-1], "\ud7ff", "x" * 5000):
        with pytest.raises(Unauthorized):
            read_ticket(keys, wrong)
    monkeypatch.setattr(tickets, "SECONDS", -1)
    with pytest.raises(Unauthorized):
        read_ticket(keys, make_ticket(keys, owner))


async def test_tickets_of_people_behind_one_address_count_for_them(web_only: Any) -> None:
    """Many people of an office reconnect at once, while one has used up the budget of their address."""
    async with serving(web_only, rate_limit_anonymous=5, rate_limit_user=30) as (app, client):
        answer = await client.post("/api/v1/auth/ticket", json={"purpose": "download"})
        assert answer.status == 201
        used = (await answer.json())["ticket"]
        assert (await client.get(f"/api/v1/users/me/export?ticket={used}")).status == 404
        for number in range(10):
            answer = await client.get(f"/api/v1/users/me/export?ticket=guess{number}")
        assert answer.status == 429
        async with app[DATABASE].connection(wait=5) as conn:
            for row in await conn.fetch(INSERT_CROWD, [f"person{number}" for number in range(12)]):
                ticket = make_ticket(app[SECRETS], row["user_id"])
                await sql.auth.insert_ticket(
                    conn, token_hash=sha256(ticket.encode()).digest(), session_id=row["id"], purpose="ws"
                )
                ws = await client.session.ws_connect(f"{client.url}/ws?ticket={ticket}")
                assert (await ws.receive_json())["event"] == "connected"
                await ws.close()
        # A used ticket is refused as 401, not 429: the budget of the address does not matter.
        assert [(await client.get(f"/api/v1/users/me/export?ticket={used}")).status for _ in range(3)] == [
            401
        ] * 3
