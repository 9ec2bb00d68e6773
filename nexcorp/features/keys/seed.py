"""An API key of the demo company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nexcorp.domain.demo import ADA
from nexcorp.features.keys.service import create_key
from nexcorp.manifest import Demo

DAYS = 30


async def insert_demo_key(conn: Any, demo: Demo) -> None:
    """The first person has a key, whose secret nobody learns; of a new key its owner is told."""
    end = datetime.now(UTC) + timedelta(days=DAYS)
    await create_key(
        conn, demo.people[ADA], name="Weekly report", scopes=["post:read", "task:read"], expires_at=end
    )
