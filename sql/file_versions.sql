-- Versions of files, and their contents. Each content is stored once, in file_chunks, however many versions share it. Lock
-- order: the file, its log (file_docs), contents, its project.

-- name: lock_file(file_id) :value
-- Lock a file, so that no other transaction changes it or cuts a version of it. Returns the number of its newest version.
SELECT content_version FROM files WHERE id = $1 FOR NO KEY UPDATE;

-- name: cut_version(file_id, cause, restored_from, bytes, sha256, author_ids, seq) :value
-- Insert the next version of a file that the caller has locked, and update its project's size. Returns the version's number, or
-- NULL if the newest version has the same content, or if `cause` is `edited` and the newest version already covers later
-- updates.
WITH known AS (
    SELECT f.id, f.project_id, f.bytes, f.content_version
    FROM files AS f
    WHERE
        f.id = $1
        AND NOT EXISTS (
            SELECT
            FROM file_versions AS v
            WHERE
                v.file_id = f.id
                AND v.n = f.content_version
                AND (v.sha256 = $5 OR ($2 = 'edited' AND v.seq > $7))
        )
),
cut AS (
    INSERT INTO file_versions (file_id, n, cause, restored_from, bytes, sha256, author_ids, seq)
    SELECT k.id, k.content_version + 1, $2, $3, $4, $5, $6::uuid[], $7 FROM known AS k
    RETURNING n
),
moved AS (
    UPDATE files SET content_version = cut.n, bytes = $4, updated_at = now() FROM cut WHERE files.id = $1
),
charged AS (
    UPDATE projects SET file_bytes = file_bytes + $4 - k.bytes FROM known AS k WHERE projects.id = k.project_id
)
SELECT n FROM cut;

-- name: hold_content(sha256) :value
-- Whether a content is stored; if so, the row lock keeps it until the transaction ends.
SELECT true FROM file_chunks WHERE sha256 = $1 AND part = 0 FOR KEY SHARE;

-- name: add_chunk(sha256, part, data) :exec
-- Insert a part of a content; does nothing if a concurrent request has stored the same content.
INSERT INTO file_chunks (sha256, part, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: list_chunks(sha256) :many
-- All parts of a content, in order.
SELECT data FROM file_chunks WHERE sha256 = $1 ORDER BY part;

-- name: get_chunk(sha256, part) :value
-- One part of a content; NULL after the last part.
SELECT data FROM file_chunks WHERE sha256 = $1 AND part = $2;

-- name: lock_loose(most) :many
-- Lock contents that no version refers to. Those that another request holds are skipped until the next run.
SELECT c.sha256
FROM file_chunks AS c
WHERE c.part = 0 AND NOT EXISTS (SELECT FROM file_versions AS v WHERE v.sha256 = c.sha256)
LIMIT $1
FOR UPDATE SKIP LOCKED;

-- name: drop_loose(hashes) :exec
-- Delete the locked contents that no version refers to; a separate statement, so that it sees versions committed before the
-- lock was taken.
DELETE FROM file_chunks AS c
WHERE c.sha256 = ANY($1::bytea[]) AND NOT EXISTS (SELECT FROM file_versions AS v WHERE v.sha256 = c.sha256);
