"""An API key of the demo company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nexcorp.domain.demo import ADA
from nexcorp.features.keys.service import create_key
from nexcorp.manifest import Demo

DAYS = 30


async def insert_demo_key(conn: Any, demo: Demo) -> None:
    """Create a key for the first person, who is notified of it; nobody learns its secret."""
    end = datetime.now(UTC) + timedelta(days=DAYS)
    await create_key(
        conn, demo.people[ADA], name="Weekly report", scopes=["post:read", "task:read"], expires_at=end
    )
