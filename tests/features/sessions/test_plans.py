"""Query plans of the frequent statements of sessions and presence, with many rows."""

from __future__ import annotations

from typing import Any

from tests.sql.test_plans import explain, nodes

FILL = """
WITH people AS (
    INSERT INTO users (email, username)
    SELECT n || '@example.com', 'person' || n FROM generate_series(1, 500) AS n
    RETURNING id
),
made AS (
    INSERT INTO projects (name) SELECT 'project ' || n FROM generate_series(1, 50) AS n RETURNING id
),
members AS (
    INSERT INTO project_members (project_id, user_id, role)
    SELECT m.id, p.id, 'editor' FROM made AS m, people AS p
),
texts AS (
    INSERT INTO files (project_id, path, kind, type)
    SELECT id, 'file ' || n, 'text', 'text/plain' FROM made, generate_series(1, 100) AS n
    RETURNING id
),
open AS (
    INSERT INTO file_editors (file_id, user_id, node)
    SELECT DISTINCT t.id, p.id, n FROM (SELECT id FROM texts LIMIT 300) AS t,
        (SELECT id FROM people LIMIT 5) AS p, generate_series(1, 2) AS n
),
held AS (
    INSERT INTO collab_sessions (project_id, title, ended_at)
    SELECT id, 'Pairing', CASE WHEN n > 2 THEN now() END FROM made, generate_series(1, 100) AS n
    RETURNING id, ended_at
)
INSERT INTO session_participants (session_id, user_id, left_at)
SELECT h.id, p.id, h.ended_at FROM held AS h, (SELECT id FROM people LIMIT 10) AS p
"""
HOT = {
    "sessions.touch_participant": {"session_participants_pkey", "collab_sessions_pkey"},
    "sessions.touch_editors": {"collab_sessions_live_idx", "files_pkey"},
    "sessions.get_session": {"collab_sessions_pkey", "session_participants_pkey"},
    "sessions.list_sessions": {"collab_sessions_project_id_idx", "session_participants_pkey"},
    "sessions.list_live": {"collab_sessions_live_idx"},
    "sessions.list_participants": {"session_participants_pkey"},
    "sessions.leave_unseen": {"session_participants_here_idx"},
    "sessions.list_present": {"file_editors_pkey"},
    "sessions.render_sessions": {"collab_sessions_pkey", "session_participants_pkey"},
}


async def test_sessions_are_found_by_their_keys(database: Any, config: Any) -> None:
    async with database.connection(wait=5) as conn:
        await conn.execute(FILL)
        await conn.execute("ANALYZE")
    plans = await explain(config.database_url, HOT)
    for name, expected in HOT.items():
        found = list(nodes(plans[name]))
        scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
        assert scanned <= {"projects"}, f"{name} reads all of {scanned}"
        used = {node["Index Name"] for node in found if "Index Name" in node}
        assert used >= expected, f"{name} uses {used}"
