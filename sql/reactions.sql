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
-- Take a like back; the counter moves only if there was one. The post is locked first, as by those who
-- delete it: in the other order the two would wait for each other.
WITH post AS (
    SELECT id, like_count
    FROM posts
    WHERE id = $1
    FOR NO KEY UPDATE
),
removed AS (
    DELETE FROM likes AS l
    USING post
    WHERE l.post_id = post.id AND l.user_id = $2
    RETURNING l.post_id
),
counted AS (
    UPDATE posts AS p
    SET like_count = p.like_count - 1
    FROM removed
    WHERE p.id = removed.post_id
    RETURNING p.id, p.like_count
)
SELECT
    post.id AS "_postId", counted.id IS NOT NULL AS "_changed",
    false AS liked, coalesce(counted.like_count, post.like_count) AS "likeCount"
FROM post
LEFT JOIN counted ON counted.id = post.id

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
