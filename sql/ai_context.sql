-- The material for answers of a language model: files of a project, as far as the asking user may read it at that moment.

-- name: list_files(project_id, viewer_id, file_ids) :many
-- The project's text files among `file_ids`, with their newest contents; no row if the viewer may not read the project.
SELECT f.id, f.path, f.bytes, f.content_version AS version, v.sha256
FROM files AS f
INNER JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version
WHERE f.project_id = $1
    AND f.id = ANY($3::uuid[])
    AND f.kind = 'text'
    AND f.deleted_at IS NULL
    AND project_role($1, $2, holds_permission($2, 'project:manage')) IS NOT NULL
ORDER BY f.path;

-- name: list_stale(project_id, most) :many
-- Text files of a project whose passages are missing or were made from another version or path; the smallest first, because
-- they are done soonest.
SELECT f.id, f.path, f.content_version AS version, v.sha256
FROM files AS f
INNER JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version
LEFT JOIN file_passages AS p ON p.file_id = f.id AND p.n = 0
WHERE f.project_id = $1
    AND f.kind = 'text'
    AND f.deleted_at IS NULL
    AND (p.version, p.path) IS DISTINCT FROM (f.content_version, f.path)
ORDER BY f.bytes, f.id
LIMIT $2;

-- name: save_passages(file_id, version, path, bodies) :exec
-- Replace the passages of a file; there is at least one.
WITH old AS (
    DELETE FROM file_passages WHERE file_id = $1 AND n >= cardinality($4::text[])
)
INSERT INTO file_passages (file_id, n, project_id, version, path, body, words)
SELECT
    f.id, i.place - 1, f.project_id, $2, $3, i.body,
    setweight(to_tsvector('simple', regexp_replace($3, '[/._-]', ' ', 'g')), 'A') || to_tsvector('english', i.body)
FROM unnest($4::text[]) WITH ORDINALITY AS i (body, place)
INNER JOIN files AS f ON f.id = $1
ON CONFLICT ON CONSTRAINT file_passages_pkey DO UPDATE
SET version = excluded.version, path = excluded.path, body = excluded.body, words = excluded.words;

-- name: find_passages(project_id, viewer_id, question, but, most_chars) :many
-- The passages of a project that match a question best, as many as fit into `most_chars`, ordered by path and position; without
-- the files `but`, which the caller includes whole. Only the best 40 are considered. No row if the viewer may not read the
-- project.
WITH asked AS MATERIALIZED (
    SELECT string_agg(quote_literal(w.lexeme), ' | ')::tsquery AS query
    FROM (SELECT t.lexeme FROM unnest(to_tsvector('english', $3)) AS t LIMIT 24) AS w
    WHERE project_role($1, $2, holds_permission($2, 'project:manage')) IS NOT NULL
),
ranked AS (
    SELECT p.file_id, p.n, char_length(p.body) AS chars, ts_rank_cd(p.words, a.query, 33) AS rank
    FROM file_passages AS p
    CROSS JOIN asked AS a
    WHERE p.project_id = $1 AND p.words @@ a.query AND p.file_id <> ALL($4::uuid[])
    ORDER BY rank DESC, p.file_id, p.n
    LIMIT 40
),
fitted AS (
    SELECT r.file_id, r.n, sum(r.chars) OVER (ORDER BY r.rank DESC, r.file_id, r.n) AS used FROM ranked AS r
)
SELECT f.id AS file_id, f.path, p.n, p.version, p.body
FROM fitted AS t
INNER JOIN file_passages AS p ON p.file_id = t.file_id AND p.n = t.n
INNER JOIN files AS f ON f.id = p.file_id AND f.deleted_at IS NULL
WHERE t.used <= $5
ORDER BY f.path, p.n;
