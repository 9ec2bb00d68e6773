"""A session about the demo company's project."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.documents.examples import EXAMPLE_ID, PROJECT_ID
from nexcorp.domain.demo import ADA, GRACE
from nexcorp.domain.sessions import tell_session
from nexcorp.manifest import Demo


async def insert_demo_session(conn: Any, demo: Demo) -> None:
    """Insert a session with Grace as host and Ada as participant; the API documents use it as an example."""
    ada, grace = demo.people[ADA], demo.people[GRACE]
    await sql.sessions.import_session(
        conn, session_id=EXAMPLE_ID, project_id=PROJECT_ID, title="Pairing on the parser", host_id=grace
    )
    await tell_session(conn, "started", EXAMPLE_ID, PROJECT_ID, grace)
    for user_id in (grace, ada):
        await sql.sessions.save_participant(conn, session_id=EXAMPLE_ID, user_id=user_id)
        await tell_session(conn, "joined", EXAMPLE_ID, PROJECT_ID, user_id, userId=user_id)
