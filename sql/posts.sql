-- Posts. The counters on them are written by sql/reactions.sql and sql/comments.sql. Lists ask for `liked` with a
-- scalar subquery: for EXISTS the planner would read all that the viewer ever liked, to show one page.

-- name: create_post(author_id, type, title, body) :one
-- A new post as everybody will see it.
WITH p AS (
    INSERT INTO posts (author_id, type, title, body)
    VALUES ($1, $2, $3, $4)
    RETURNING *
)
SELECT
    p.id, p.type, p.title, p.body, person(u) AS author,
    p.like_count AS "likeCount", p.comment_count AS "commentCount", false AS liked,
    p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM p
INNER JOIN users AS u ON u.id = p.author_id

-- name: get_post(post_id, viewer_id) :one
-- One post with its author and whether the viewer likes it.
SELECT
    p.id, p.type, p.title, p.body, person(u) AS author,
    p.like_count AS "likeCount", p.comment_count AS "commentCount",
    EXISTS (SELECT FROM likes AS l WHERE l.post_id = p.id AND l.user_id = $2) AS liked,
    p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM posts AS p
INNER JOIN users AS u ON u.id = p.author_id
WHERE p.id = $1

-- name: list_posts_first(viewer_id, most) :many
-- The newest posts of everybody.
SELECT
    p.id, p.type, p.title, p.body, person(u) AS author,
    p.like_count AS "likeCount", p.comment_count AS "commentCount",
    coalesce((SELECT true FROM likes AS l WHERE l.post_id = p.id AND l.user_id = $1), false) AS liked,
    p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM posts AS p
INNER JOIN users AS u ON u.id = p.author_id
ORDER BY p.id DESC
LIMIT $2

-- name: list_posts_next(viewer_id, before, most) :many
-- The page of everybody's posts behind a cursor.
SELECT
    p.id, p.type, p.title, p.body, person(u) AS author,
    p.like_count AS "likeCount", p.comment_count AS "commentCount",
    coalesce((SELECT true FROM likes AS l WHERE l.post_id = p.id AND l.user_id = $1), false) AS liked,
    p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM posts AS p
INNER JOIN users AS u ON u.id = p.author_id
WHERE p.id < $2
ORDER BY p.id DESC
LIMIT $3

-- name: list_author_posts_first(viewer_id, author_id, most) :many
-- The newest posts of one author.
SELECT
    p.id, p.type, p.title, p.body, person(u) AS author,
    p.like_count AS "likeCount", p.comment_count AS "commentCount",
    coalesce((SELECT true FROM likes AS l WHERE l.post_id = p.id AND l.user_id = $1), false) AS liked,
    p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM posts AS p
INNER JOIN users AS u ON u.id = p.author_id
WHERE p.author_id = $2
ORDER BY p.id DESC
LIMIT $3

-- name: list_author_posts_next(viewer_id, author_id, before, most) :many
-- The page of one author's posts behind a cursor.
SELECT
    p.id, p.type, p.title, p.body, person(u) AS author,
    p.like_count AS "likeCount", p.comment_count AS "commentCount",
    coalesce((SELECT true FROM likes AS l WHERE l.post_id = p.id AND l.user_id = $1), false) AS liked,
    p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM posts AS p
INNER JOIN users AS u ON u.id = p.author_id
WHERE p.author_id = $2 AND p.id < $3
ORDER BY p.id DESC
LIMIT $4

-- name: update_post(post_id, author_id, version, set_title, title, body) :one
-- Change what was sent: title where set_title, body where not NULL. Ownership and version are part of
-- the statement, so there is no moment between the check and the change. A NULL version matches any.
UPDATE posts
SET
    title = CASE WHEN $4 THEN $5 ELSE title END,
    body = coalesce($6, body),
    version = version + 1,
    updated_at = now()
WHERE id = $1 AND author_id = $2 AND ($3::integer IS NULL OR version = $3)
RETURNING id

-- name: delete_post(post_id, author_id) :one
-- Gone with its comments and likes; notifications about it stay, without the link.
DELETE FROM posts WHERE id = $1 AND author_id = $2
RETURNING id

-- name: get_post_author(post_id) :value
-- Whose post it is; NULL where there is none.
SELECT author_id FROM posts WHERE id = $1

-- name: list_mentioned(usernames) :many
-- Who is meant by the @usernames of a text.
SELECT id FROM users WHERE username = ANY($1::citext[]) AND status = 'active'
