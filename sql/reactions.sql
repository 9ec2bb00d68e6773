-- Likes, and posts.like_count with them.

-- name: like_post(post_id, user_id) :one
-- Like once; the counter moves in the same statement, and only if the like is new.
WITH added AS (
    INSERT INTO likes (post_id, user_id)
    SELECT id, $2 FROM posts WHERE id = $1
    ON CONFLICT ON CONSTRAINT likes_pkey DO NOTHING
    RETURNING post_id
),
counted AS (
    UPDATE posts AS p
    SET like_count = p.like_count + 1
    FROM added
    WHERE p.id = added.post_id
    RETURNING p.id, p.like_count
)
SELECT
    p.id AS "_postId", p.author_id AS "_authorId", left(coalesce(p.title, p.body), 140) AS "_excerpt",
    counted.id IS NOT NULL AS "_changed",
    true AS liked, coalesce(counted.like_count, p.like_count) AS "likeCount"
FROM posts AS p
LEFT JOIN counted ON counted.id = p.id
WHERE p.id = $1

-- name: unlike_post(post_id, user_id) :one
-- Take a like back; the counter moves only if there was one.
WITH removed AS (
    DELETE FROM likes
    WHERE post_id = $1 AND user_id = $2
    RETURNING post_id
),
counted AS (
    UPDATE posts AS p
    SET like_count = p.like_count - 1
    FROM removed
    WHERE p.id = removed.post_id
    RETURNING p.id, p.like_count
)
SELECT
    p.id AS "_postId", counted.id IS NOT NULL AS "_changed",
    false AS liked, coalesce(counted.like_count, p.like_count) AS "likeCount"
FROM posts AS p
LEFT JOIN counted ON counted.id = p.id
WHERE p.id = $1

-- name: list_likes_first(post_id, most) :many
-- Who liked a post last.
SELECT person(u) AS "user", l.created_at AS "createdAt", l.user_id AS "_userId"
FROM likes AS l
INNER JOIN users AS u ON u.id = l.user_id
WHERE l.post_id = $1
ORDER BY l.created_at DESC, l.user_id DESC
LIMIT $2

-- name: list_likes_next(post_id, before, before_user, most) :many
-- Who liked it before a cursor.
SELECT person(u) AS "user", l.created_at AS "createdAt", l.user_id AS "_userId"
FROM likes AS l
INNER JOIN users AS u ON u.id = l.user_id
WHERE l.post_id = $1 AND (l.created_at, l.user_id) < ($2, $3)
ORDER BY l.created_at DESC, l.user_id DESC
LIMIT $4
