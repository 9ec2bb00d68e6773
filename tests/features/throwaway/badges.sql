-- The statements of the throw-away feature.

-- name: give_badge(shelf_id, giver_id, holder_id, name, context) :one
-- A badge, its event and what is queued of it. No row where there is no shelf that the giver sees, or no holder.
WITH given AS (
    INSERT INTO badges (shelf_id, giver_id, holder_id, name)
    SELECT s.id, $2, u.id, $4
    FROM shelves AS s
    CROSS JOIN users AS u
    WHERE s.id = $1 AND seen_by(s, $2) AND u.id = $3
    RETURNING *
)
SELECT
    id, shelf_id AS "shelfId", holder_id AS "holderId", name, thanked, version,
    emit(
        'badge.given', $2, 'badge', id,
        jsonb_build_object('shelfId', shelf_id, 'holderId', holder_id, 'number', (SELECT count(*) + 1 FROM badges)), $5
    ) AS "_eventId"
FROM given;

-- name: move_badge(badge_id, giver_id, shelf_id, name, context) :one
-- Another shelf, another name, or both, of a badge that one has given.
WITH old AS MATERIALIZED (
    SELECT id, shelf_id FROM badges WHERE id = $1 AND giver_id = $2 FOR NO KEY UPDATE
),
moved AS (
    UPDATE badges AS b
    SET shelf_id = coalesce($3, b.shelf_id), name = coalesce($4, b.name), version = b.version + 1
    FROM old
    WHERE b.id = old.id
    RETURNING b.*, old.shelf_id AS from_id
)
SELECT
    id, shelf_id AS "shelfId", holder_id AS "holderId", name, thanked, version,
    emit('badge.moved', $2, 'badge', id, jsonb_build_object('fromId', from_id, 'shelfId', shelf_id), $5) AS "_eventId"
FROM moved;

-- name: thank_for_badge(badge_id, holder_id, context) :value
-- The number of versions of a badge that its holder says thanks for. NULL where it is not theirs.
WITH thanked AS (
    UPDATE badges SET thanked = true, version = version + 1 WHERE id = $1 AND holder_id = $2 RETURNING *
)
SELECT version
FROM (
    SELECT
        version,
        emit(
            'badge.thanked', $2, 'badge', id, jsonb_build_object('shelfId', shelf_id, 'giverId', giver_id), $3
        ) AS event_id
    FROM thanked
) AS told
WHERE event_id IS NOT NULL;

-- name: remove_badge(badge_id, giver_id, context) :value
-- Take back what one has given. True where there was one.
WITH gone AS (
    DELETE FROM badges WHERE id = $1 AND giver_id = $2 RETURNING id, shelf_id
)
SELECT emit('badge.removed', $2, 'badge', id, jsonb_build_object('shelfId', shelf_id), $3) IS NOT NULL FROM gone;

-- name: list_badges(shelf_id, viewer_id, before, most) :many
-- The badges on a shelf that the viewer sees, the newest first.
SELECT b.id, b.shelf_id AS "shelfId", b.holder_id AS "holderId", b.name, b.thanked, b.version
FROM badges AS b
INNER JOIN shelves AS s ON s.id = b.shelf_id AND seen_by(s, $2)
WHERE b.shelf_id = $1 AND b.id < $3
ORDER BY b.id DESC
LIMIT $4;

-- name: find_badges(viewer_id, ids) :many
-- Some badges, of those that a viewer sees.
SELECT b.id, b.shelf_id AS "shelfId", b.holder_id AS "holderId", b.name, b.thanked, b.version
FROM badges AS b
INNER JOIN shelves AS s ON s.id = b.shelf_id
WHERE b.id = ANY($2::uuid[]) AND seen_by(s, $1);

-- name: is_shelf_seen(shelf_id, viewer_id) :value
-- Whether there is a shelf that somebody sees.
SELECT EXISTS (SELECT FROM shelves AS s WHERE s.id = $1 AND seen_by(s, $2));

-- name: render_badges(ids) :many
-- Badges as everybody at their shelf sees them now.
SELECT
    b.id, b.shelf_id AS "shelfId", b.holder_id AS "holderId", b.name, b.thanked, b.version,
    ARRAY['shelf:' || b.shelf_id] AS "_rooms"
FROM badges AS b
WHERE b.id = ANY($1::uuid[]);

-- name: search_badges(viewer_id, text, before_score, before_recency, most) :many
-- Badges on shelves that the viewer sees, by their names.
WITH found AS (
    SELECT
        b.*, make_query($2) AS query, ts_rank(d.words, make_query($2), 1)::double precision AS score
    FROM badge_documents AS d
    INNER JOIN badges AS b ON b.id = d.badge_id
    INNER JOIN shelves AS s ON s.id = b.shelf_id AND seen_by(s, $1)
    WHERE d.words @@ make_query($2)
)
SELECT
    'badge' AS kind, f.id, f.name AS title, highlight(f.name, f.query) AS highlight, f.score,
    f.created_at AS "createdAt", NULL::json AS author, NULL::json AS person, NULL::uuid AS "postId",
    f.id AS "_recency"
FROM found AS f
WHERE (f.score, f.id) < ($3, $4)
ORDER BY f.score DESC, f.id DESC
LIMIT $5;

-- name: index_badges(ids) :many
-- Make badges findable by their names as these are now. Nothing is returned: their words suggest nothing.
WITH made AS (
    INSERT INTO badge_documents (badge_id, words)
    SELECT b.id, make_words(NULL, b.name) FROM badges AS b WHERE b.id = ANY($1::uuid[])
    ON CONFLICT ON CONSTRAINT badge_documents_pkey DO UPDATE SET words = excluded.words
)
SELECT NULL::text AS word WHERE false;

-- name: polish_badges() :exec
-- What the job does.
WITH noted AS (
    INSERT INTO polishings DEFAULT VALUES
)
UPDATE badges SET polished = true WHERE NOT polished;

-- name: export_badges(user_id) :many
-- The badges of a person.
SELECT b.id, b.name, b.created_at AS "createdAt" FROM badges AS b WHERE b.holder_id = $1 ORDER BY b.id;

-- name: delete_badges(user_id) :exec
-- They go with the person.
DELETE FROM badges WHERE holder_id = $1;

-- name: insert_shelf(owner_id, open) :value
-- A shelf's id.
INSERT INTO shelves (owner_id, open) VALUES ($1, $2) RETURNING id;
