"""Query plans of frequent statements, with many files in many projects."""

from __future__ import annotations

from tests.sql.test_plans import explain, nodes

FILL = """
WITH people AS (
    INSERT INTO users (email, username)
    SELECT 'person' || n || '@example.com', 'person' || n FROM generate_series(1, 500) AS n
    RETURNING id
),
place AS (
    INSERT INTO projects (name) SELECT 'Project ' || n FROM generate_series(1, 500) AS n RETURNING id
),
members AS (
    INSERT INTO project_members (project_id, user_id, role)
    SELECT place.id, people.id, 'editor'
    FROM place, people
    WHERE right(place.id::text, 1) = right(people.id::text, 1)
),
made AS (
    INSERT INTO files (project_id, path, kind, type, content_version, deleted_at)
    SELECT
        place.id, 'folder ' || n % 5 || '/file ' || n, 'text', 'text/plain', 2, CASE WHEN n = 7 THEN now() END
    FROM place, generate_series(1, 40) AS n
    RETURNING id
),
docs AS (INSERT INTO file_docs (file_id, last_seq, settled_seq) SELECT id, 9, 9 FROM made),
updates AS (INSERT INTO file_updates (file_id, seq, node, update) SELECT id, 9, 0, 'x' FROM made),
versions AS (
    INSERT INTO file_versions (file_id, n, cause, bytes, sha256, author_ids)
    SELECT id, n, 'put', 1, sha256(convert_to(id::text || n, 'utf8')), '{}'
    FROM made, generate_series(1, 2) AS n
    RETURNING sha256
),
chunks AS (INSERT INTO file_chunks (sha256, part, data) SELECT sha256, 0, 'x' FROM versions)
INSERT INTO file_documents (file_id, body, words)
SELECT id, '', to_tsvector('simple', id::text) FROM made
"""
PATHS = {"files_path_key"}
HOT = {
    "files.count_files": {"files_project_id_idx"},
    "files.find_obstacle": PATHS,
    "files.get_content": {"files_pkey", "file_versions_pkey", "file_docs_pkey"},
    "files.get_file": {"files_pkey"},
    "files.get_trashed": {"files_pkey"},
    "files.get_version": {"file_versions_pkey"},
    "files.list_authors": {"file_updates_pkey"},
    "files.list_contents": PATHS,
    "files.list_files": {*PATHS, "files_pkey"},
    "files.list_folders": PATHS,
    "files.list_trash": {"files_pkey"},
    "files.list_versions": {"file_versions_pkey"},
    "files.forget_person": {"files_creator_id_idx", "files_deleted_by_idx"},
    "files.lock_folder": PATHS,
    "files.render_files": {"files_pkey"},
    "search.index_files": {"files_pkey"},
    "search.list_file_texts": {"files_pkey", "file_versions_pkey", "file_chunks_pkey"},
    "search.list_files_before": {"files_pkey"},
    "search.search_files": {"file_documents_words_idx", "files_pkey", "projects_pkey"},
}


async def test_files_are_found_by_their_keys(database, config):
    async with database.connection(wait=5) as conn:
        await conn.execute(FILL)
        # Otherwise the index's pending words, not merged yet, are read from end to end.
        await conn.execute("VACUUM (ANALYZE)")
    for name, plan in (await explain(config.database_url, HOT)).items():
        found = list(nodes(plan))
        scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
        # There are only a few users here.
        assert scanned <= {"users"}, f"{name} reads all of {scanned}"
        used = {node["Index Name"] for node in found if "Index Name" in node}
        assert used >= HOT[name], f"{name} uses {used}"
