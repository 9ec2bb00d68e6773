"""Query plans of statements that run every second, or for each change, among many files."""

from __future__ import annotations

from tests.sql.test_plans import explain, nodes

FILL = """
WITH project AS (INSERT INTO projects (name) VALUES ('Plans') RETURNING id),
made AS (
    INSERT INTO files (project_id, path, kind, type, content_version)
    SELECT project.id, 'file ' || n, 'text', 'text/plain', 2
    FROM project, generate_series(1, 3000) AS n
    RETURNING id
),
docs AS (
    INSERT INTO file_docs (file_id, last_seq, settled_seq, edited_at, dirty_since)
    SELECT id, 9, 5, now(), CASE WHEN random() < 0.01 THEN now() - interval '1 minute' END
    FROM made
    RETURNING file_id
),
snapshots AS (INSERT INTO file_snapshots (file_id, seq, state) SELECT file_id, 5, 'x' FROM docs),
versions AS (
    INSERT INTO file_versions (file_id, n, cause, bytes, sha256, author_ids)
    SELECT id, n, 'put', 1, sha256(convert_to(id::text || n, 'utf8')), '{}'
    FROM made, generate_series(1, 2) AS n
    RETURNING sha256
),
chunks AS (
    INSERT INTO file_chunks (sha256, part, data)
    SELECT sha256, n, 'x' FROM versions, generate_series(0, 1) AS n
)
INSERT INTO file_updates (file_id, seq, node, update)
SELECT file_id, n, 7, 'x' FROM docs, generate_series(1, 9) AS n
"""
HOT = {
    "collab.append_updates": {"file_docs_pkey"},
    "collab.open_document": {"file_docs_pkey", "file_snapshots_pkey", "file_updates_pkey"},
    "collab.read_positions": {"file_docs_pkey"},
    "collab.read_updates": {"file_docs_pkey", "file_updates_pkey"},
    "collab.read_rights": {"files_pkey"},
    "file_versions.lock_file": {"files_pkey"},
    "file_versions.cut_version": {"files_pkey", "file_versions_pkey", "projects_pkey"},
    "file_versions.hold_content": {"file_chunks_pkey"},
    "file_versions.list_chunks": {"file_chunks_pkey"},
    "file_versions.get_chunk": {"file_chunks_pkey"},
    "settling.claim_due": {"file_docs_dirty_idx", "file_docs_pkey"},
    "settling.get_doc": {"file_docs_pkey", "files_pkey", "file_snapshots_pkey", "file_versions_pkey"},
    "settling.list_updates": {"file_updates_pkey"},
    "settling.settle_doc": {"file_docs_pkey", "file_updates_pkey"},
    "settling.put_off": {"file_docs_pkey"},
}


async def test_files_are_settled_and_saved_by_their_keys(database, config):
    async with database.connection(wait=5) as conn:
        await conn.execute(FILL)
        await conn.execute("ANALYZE")
    plans = await explain(config.database_url, HOT)
    # The worker turns sequential scans off for its queue.
    plans |= await explain(config.database_url, ["settling.claim_due"], "SET enable_seqscan = off")
    for name, expected in HOT.items():
        found = list(nodes(plans[name]))
        scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
        # These tables are small here: projects, people, sessions, and the permissions of roles.
        assert scanned <= {"projects", "users", "sessions", "role_permissions"}, (
            f"{name} reads all of {scanned}"
        )
        used = {node["Index Name"] for node in found if "Index Name" in node}
        assert used >= expected - {"projects_pkey"}, f"{name} uses {used}"
