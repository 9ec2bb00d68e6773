-- Search. The documents are kept by triggers (migration 0016).
-- A word may be in half of all texts, and to rank so many takes seconds: the newest 500 that match are ranked. They
-- are looked for in three steps, each only where the one before was not enough. The newest 2,000 documents: all
-- that a common word needs, and little work for nothing where it is rare. If some of these matched, the newest 50,000.
-- At last the index of words, whose matches all have to be read; not for what it has no words of ("all but").
-- OFFSET 0 is a fence: the planner, who does not know the query, would walk through all documents in their order.

-- name: search_posts(viewer_id, text, before_score, before_recency, most) :many
-- Posts that stand in lists, and one's own drafts and archived ones; the best first.
WITH asked AS MATERIALIZED (
    SELECT make_query($2) AS query
),
near AS MATERIALIZED (
    SELECT d.post_id AS id, d.recency AS recency, d.words
    FROM asked
    CROSS JOIN LATERAL (
        SELECT *
        FROM (SELECT * FROM post_documents ORDER BY recency DESC LIMIT 2000) AS newest
        WHERE newest.words @@ asked.query
        LIMIT 500
    ) AS d
),
found AS MATERIALIZED (
    SELECT id, recency, words FROM near
    UNION ALL
    (
        SELECT d.post_id, d.recency, d.words
        FROM asked
        CROSS JOIN LATERAL (
            SELECT *
            FROM (SELECT * FROM post_documents ORDER BY recency DESC OFFSET 2000 LIMIT 48000) AS newer
            WHERE newer.words @@ asked.query
            LIMIT 500
        ) AS d
        WHERE (SELECT count(*) FROM near) >= 12
    )
    UNION ALL
    (
        SELECT d.post_id, d.recency, d.words
        FROM asked
        CROSS JOIN LATERAL (
            SELECT *
            FROM (SELECT * FROM post_documents WHERE words @@ asked.query OFFSET 0) AS matching
            WHERE matching.recency <= CASE
                WHEN (SELECT count(*) FROM near) >= 12
                    THEN (SELECT recency FROM post_documents ORDER BY recency DESC OFFSET 50000 LIMIT 1)
                ELSE (SELECT recency FROM post_documents ORDER BY recency DESC OFFSET 2000 LIMIT 1)
            END
            ORDER BY matching.recency DESC
            LIMIT 500
        ) AS d
        WHERE querytree(asked.query) <> 'T'
    )
    LIMIT 500
),
ranked AS (
    SELECT found.id, found.recency, ts_rank(found.words, asked.query, 1)::double precision AS score
    FROM found
    CROSS JOIN asked
),
page AS MATERIALIZED (
    SELECT p.id, p.title, p.body, p.author_id, p.created_at, r.score, r.recency
    FROM ranked AS r
    INNER JOIN posts AS p ON p.id = r.id
    WHERE (r.score, r.recency) < ($3, $4) AND (p.position IS NOT NULL OR p.author_id = $1)
    ORDER BY r.score DESC, r.recency DESC
    LIMIT $5
)
SELECT
    'post' AS kind, page.id, page.title,
    highlight(concat_ws(E'\n', page.title, page.body), asked.query) AS highlight,
    page.score, page.created_at AS "createdAt", person(u) AS author, NULL::json AS person, page.id AS "postId",
    page.recency AS "_recency"
FROM page
CROSS JOIN asked
INNER JOIN users AS u ON u.id = page.author_id
ORDER BY page.score DESC, page.recency DESC;

-- name: search_comments(viewer_id, text, before_score, before_recency, most) :many
-- Comments on posts that stand in lists, and on one's own; the best first.
WITH asked AS MATERIALIZED (
    SELECT make_query($2) AS query
),
near AS MATERIALIZED (
    SELECT d.comment_id AS id, d.comment_id AS recency, d.words
    FROM asked
    CROSS JOIN LATERAL (
        SELECT *
        FROM (SELECT * FROM comment_documents ORDER BY comment_id DESC LIMIT 2000) AS newest
        WHERE newest.words @@ asked.query
        LIMIT 500
    ) AS d
),
found AS MATERIALIZED (
    SELECT id, recency, words FROM near
    UNION ALL
    (
        SELECT d.comment_id, d.comment_id, d.words
        FROM asked
        CROSS JOIN LATERAL (
            SELECT *
            FROM (SELECT * FROM comment_documents ORDER BY comment_id DESC OFFSET 2000 LIMIT 48000) AS newer
            WHERE newer.words @@ asked.query
            LIMIT 500
        ) AS d
        WHERE (SELECT count(*) FROM near) >= 12
    )
    UNION ALL
    (
        SELECT d.comment_id, d.comment_id, d.words
        FROM asked
        CROSS JOIN LATERAL (
            SELECT *
            FROM (SELECT * FROM comment_documents WHERE words @@ asked.query OFFSET 0) AS matching
            WHERE matching.comment_id <= CASE
                WHEN (SELECT count(*) FROM near) >= 12
                    THEN (SELECT comment_id FROM comment_documents ORDER BY comment_id DESC OFFSET 50000 LIMIT 1)
                ELSE (SELECT comment_id FROM comment_documents ORDER BY comment_id DESC OFFSET 2000 LIMIT 1)
            END
            ORDER BY matching.comment_id DESC
            LIMIT 500
        ) AS d
        WHERE querytree(asked.query) <> 'T'
    )
    LIMIT 500
),
ranked AS (
    SELECT found.id, found.recency, ts_rank(found.words, asked.query, 1)::double precision AS score
    FROM found
    CROSS JOIN asked
),
page AS MATERIALIZED (
    SELECT c.id, p.title, c.body, c.author_id, c.created_at, c.post_id, r.score, r.recency
    FROM ranked AS r
    INNER JOIN comments AS c ON c.id = r.id
    INNER JOIN posts AS p ON p.id = c.post_id
    WHERE (r.score, r.recency) < ($3, $4) AND (p.position IS NOT NULL OR p.author_id = $1)
    ORDER BY r.score DESC, r.recency DESC
    LIMIT $5
)
SELECT
    'comment' AS kind, page.id, page.title, highlight(page.body, asked.query) AS highlight,
    page.score, page.created_at AS "createdAt", person(u) AS author, NULL::json AS person,
    page.post_id AS "postId", page.recency AS "_recency"
FROM page
CROSS JOIN asked
INNER JOIN users AS u ON u.id = page.author_id
ORDER BY page.score DESC, page.recency DESC;

-- name: search_people(viewer_id, text, before_score, before_recency, most) :many
-- Active people by their names, the best first. Everybody sees them: the viewer is there because all kinds are asked alike.
WITH asked AS MATERIALIZED (
    SELECT make_query($2) AS query
),
near AS MATERIALIZED (
    SELECT d.user_id AS id, d.user_id AS recency, d.words
    FROM asked
    CROSS JOIN LATERAL (
        SELECT *
        FROM (SELECT * FROM person_documents ORDER BY user_id DESC LIMIT 2000) AS newest
        WHERE newest.words @@ asked.query
        LIMIT 500
    ) AS d
),
found AS MATERIALIZED (
    SELECT id, recency, words FROM near
    UNION ALL
    (
        SELECT d.user_id, d.user_id, d.words
        FROM asked
        CROSS JOIN LATERAL (
            SELECT *
            FROM (SELECT * FROM person_documents ORDER BY user_id DESC OFFSET 2000 LIMIT 48000) AS newer
            WHERE newer.words @@ asked.query
            LIMIT 500
        ) AS d
        WHERE (SELECT count(*) FROM near) >= 12
    )
    UNION ALL
    (
        SELECT d.user_id, d.user_id, d.words
        FROM asked
        CROSS JOIN LATERAL (
            SELECT *
            FROM (SELECT * FROM person_documents WHERE words @@ asked.query OFFSET 0) AS matching
            WHERE matching.user_id <= CASE
                WHEN (SELECT count(*) FROM near) >= 12
                    THEN (SELECT user_id FROM person_documents ORDER BY user_id DESC OFFSET 50000 LIMIT 1)
                ELSE (SELECT user_id FROM person_documents ORDER BY user_id DESC OFFSET 2000 LIMIT 1)
            END
            ORDER BY matching.user_id DESC
            LIMIT 500
        ) AS d
        WHERE querytree(asked.query) <> 'T'
    )
    LIMIT 500
),
ranked AS (
    SELECT found.id, found.recency, ts_rank(found.words, asked.query, 1)::double precision AS score
    FROM found
    CROSS JOIN asked
),
page AS MATERIALIZED (
    SELECT u.id, r.score, r.recency
    FROM ranked AS r
    INNER JOIN users AS u ON u.id = r.id
    WHERE (r.score, r.recency) < ($3, $4) AND u.status = 'active' AND $1::uuid IS NOT NULL
    ORDER BY r.score DESC, r.recency DESC
    LIMIT $5
)
SELECT
    'person' AS kind, page.id, display_name(u) AS title, highlight(name_person(u), asked.query) AS highlight,
    page.score, u.created_at AS "createdAt", NULL::json AS author, person(u) AS person,
    NULL::uuid AS "postId", page.recency AS "_recency"
FROM page
CROSS JOIN asked
INNER JOIN users AS u ON u.id = page.id
ORDER BY page.score DESC, page.recency DESC;

-- name: list_near_words(words) :many
-- Known words that look like words nobody wrote, the nearest first.
SELECT asked.word, near.word AS near
FROM unnest($1::text[]) AS asked (word)
CROSS JOIN LATERAL (
    SELECT s.word, lower(s.word) <-> asked.word AS distance
    FROM search_words AS s
    ORDER BY lower(s.word) <-> asked.word
    LIMIT 20
) AS near
WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = asked.word)
ORDER BY asked.word, near.distance;

-- name: fill_posts() :exec
-- Documents of posts that were loaded past the triggers.
INSERT INTO post_documents (post_id, recency, words)
SELECT id, coalesce(position, id), make_words(title, body) FROM posts ORDER BY id
ON CONFLICT ON CONSTRAINT post_documents_pkey DO NOTHING;

-- name: fill_people() :exec
-- Documents of people who were loaded past the triggers.
INSERT INTO person_documents (user_id, words)
SELECT u.id, make_words(name_person(u), NULL) FROM users AS u WHERE u.status = 'active'
ON CONFLICT ON CONSTRAINT person_documents_pkey DO NOTHING;

-- name: fill_words() :exec
-- The words of posts and people that were loaded past the triggers.
INSERT INTO search_words (word)
SELECT DISTINCT w
FROM (
    SELECT concat_ws(' ', title, body) AS written FROM posts WHERE position IS NOT NULL
    UNION ALL SELECT name_person(u) FROM users AS u WHERE u.status = 'active'
) AS texts
CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector('nexcorp_words', translate(written, '<>/', '   ')))) AS w
WHERE length(w) BETWEEN 4 AND 40
ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING;

-- name: index_posts(ids) :exec
-- Make posts findable as they are now. They are held against their deletion.
WITH texts AS MATERIALIZED (
    SELECT
        p.id, coalesce(p.position, p.id) AS recency, p.position IS NOT NULL AS listed, p.title, p.body,
        concat_ws(' ', p.title, p.body) AS written
    FROM posts AS p
    WHERE p.id = ANY($1::uuid[])
    ORDER BY p.id
    FOR KEY SHARE
),
words AS (
    SELECT DISTINCT w
    FROM texts
    CROSS JOIN LATERAL unnest(
        tsvector_to_array(to_tsvector('nexcorp_words', translate(texts.written, '<>/', '   ')))
    ) AS w
    WHERE length(w) BETWEEN 4 AND 40 AND texts.listed
),
noted AS (
    INSERT INTO search_words (word)
    SELECT w FROM words WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w) ORDER BY w
    ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING
)
INSERT INTO post_documents (post_id, recency, words)
SELECT id, recency, make_words(title, body) FROM texts
ON CONFLICT ON CONSTRAINT post_documents_pkey DO UPDATE SET recency = excluded.recency, words = excluded.words;

-- name: index_comments(ids) :exec
-- Make comments findable as they are now. They are held against their deletion.
WITH texts AS MATERIALIZED (
    SELECT c.id, c.body AS written FROM comments AS c WHERE c.id = ANY($1::uuid[]) ORDER BY c.id FOR KEY SHARE
),
words AS (
    SELECT DISTINCT w
    FROM texts
    CROSS JOIN LATERAL unnest(
        tsvector_to_array(to_tsvector('nexcorp_words', translate(texts.written, '<>/', '   ')))
    ) AS w
    WHERE length(w) BETWEEN 4 AND 40
),
noted AS (
    INSERT INTO search_words (word)
    SELECT w FROM words WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w) ORDER BY w
    ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING
)
INSERT INTO comment_documents (comment_id, words)
SELECT id, make_words(NULL, written) FROM texts
ON CONFLICT ON CONSTRAINT comment_documents_pkey DO UPDATE SET words = excluded.words;

-- name: index_people(ids) :exec
-- Make active people findable by their names as these are now, and nobody else.
WITH texts AS MATERIALIZED (
    SELECT u.id, u.status = 'active' AS active, name_person(u) AS written
    FROM users AS u
    WHERE u.id = ANY($1::uuid[])
    ORDER BY u.id
    FOR KEY SHARE
),
gone AS (
    DELETE FROM person_documents AS d USING texts WHERE d.user_id = texts.id AND NOT texts.active
),
words AS (
    SELECT DISTINCT w
    FROM texts
    CROSS JOIN LATERAL unnest(
        tsvector_to_array(to_tsvector('nexcorp_words', translate(texts.written, '<>/', '   ')))
    ) AS w
    WHERE length(w) BETWEEN 4 AND 40 AND texts.active
),
noted AS (
    INSERT INTO search_words (word)
    SELECT w FROM words WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w) ORDER BY w
    ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING
)
INSERT INTO person_documents (user_id, words)
SELECT id, make_words(written, NULL) FROM texts WHERE active
ON CONFLICT ON CONSTRAINT person_documents_pkey DO UPDATE SET words = excluded.words;
