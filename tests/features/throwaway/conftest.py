"""A service with the feature badges, and a database with its tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from nexcorp.config import Config
from nexcorp.manifest import Product
from tests.features.throwaway import PRODUCT, sql
from tests.features.throwaway.statements import FOLDER

API = "/api/v1"


@pytest.fixture
def product() -> Product:
    return PRODUCT


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a service; its database gets the feature's tables, as by a migration."""
    with psycopg.connect(config.database_url, autocommit=True) as conn:
        conn.execute((FOLDER / "schema.sql").read_text())
    return config


@pytest.fixture
def make_shelf(service: Any) -> Callable[..., Awaitable[str]]:
    """`await make_shelf(user, open=False)`: make a shelf; its id."""

    async def make(owner: Any, *, open: bool = True) -> str:
        async with service.db.connection(wait=5) as conn:
            return str(await sql.insert_shelf(conn, owner_id=owner.id, open=open))

    return make


async def give(giver: Any, holder: Any, shelf: str, name: str = "Best of all") -> dict[str, Any]:
    """Give a badge to another person; return the badge."""
    body = {"shelfId": shelf, "holderId": str(holder.id), "name": name}
    answer = await giver.client.post(f"{API}/badges", json=body)
    assert answer.status == 201, await answer.text()
    badge: dict[str, Any] = await answer.json()
    return badge
