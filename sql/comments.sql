-- Comments, and posts.comment_count with them.

-- name: create_comment(post_id, author_id, parent_id, body) :one
-- A new comment, counted on its post. A reply to a reply hangs on the first one's parent, so that
-- threads stay one level deep. No row where the post, or the parent on that post, does not exist.
WITH parent AS (
    SELECT id, coalesce(parent_id, id) AS thread_id, author_id
    FROM comments
    WHERE id = $3 AND post_id = $1
),
counted AS (
    UPDATE posts AS p
    SET comment_count = p.comment_count + 1
    WHERE p.id = $1 AND shown_to(p, $2) AND ($3::uuid IS NULL OR EXISTS (SELECT FROM parent))
    RETURNING p.id, p.author_id, p.comment_count, p.status IS NOT DISTINCT FROM 'draft' AS draft
),
added AS (
    INSERT INTO comments (post_id, author_id, parent_id, body)
    SELECT counted.id, $2, (SELECT thread_id FROM parent), $4
    FROM counted
    RETURNING *
)
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, person(u) AS author,
    c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
    counted.comment_count AS "_commentCount", counted.author_id AS "_postAuthorId", counted.draft AS "_onDraft",
    (SELECT author_id FROM parent) AS "_parentAuthorId"
FROM added AS c
CROSS JOIN counted
INNER JOIN users AS u ON u.id = c.author_id;

-- name: get_comment(comment_id, viewer_id) :one
-- One comment with its author; no row where the viewer may not see its post.
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, person(u) AS author,
    c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt", c.author_id AS "_authorId",
    p.status IS NOT DISTINCT FROM 'draft' AS "_onDraft"
FROM comments AS c
INNER JOIN users AS u ON u.id = c.author_id
INNER JOIN posts AS p ON p.id = c.post_id
WHERE c.id = $1 AND shown_to(p, $2);

-- name: list_comments(post_id, viewer_id, after, most) :many
-- The oldest comments of a post behind an id, for those who may see it: people read a conversation from its beginning.
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, person(u) AS author,
    c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt"
FROM comments AS c
INNER JOIN users AS u ON u.id = c.author_id
WHERE c.post_id = $1 AND (SELECT shown_to(p, $2) FROM posts AS p WHERE p.id = $1) AND c.id > $3
ORDER BY c.id
LIMIT $4;

-- name: lock_comment(comment_id) :exec
-- Before a change, which depends on how the comment stands.
SELECT FROM comments WHERE id = $1 FOR NO KEY UPDATE;

-- name: update_comment(comment_id, author_id, body) :exec
-- The author changes the text of a comment, which is locked.
UPDATE comments
SET body = $3, version = version + 1, updated_at = now()
WHERE id = $1 AND author_id = $2;

-- name: lock_post_of_comment(comment_id) :value
-- Before a delete, in a statement of its own: replies are counted under this lock too, so what the
-- delete then sees is all there will be.
SELECT p.id
FROM posts AS p
INNER JOIN comments AS c ON c.post_id = p.id
WHERE c.id = $1
FOR UPDATE OF p;

-- name: delete_comment(comment_id, user_id, any_author, version) :one
-- Its author, the post's author, or with `any_author` whoever sees it, removes a comment and the replies to it; all are
-- counted off. A NULL version matches any.
WITH doomed AS (
    SELECT c.id, c.post_id, c.author_id
    FROM comments AS c
    INNER JOIN posts AS p ON p.id = c.post_id
    WHERE c.id = $1
        AND ($2 IN (c.author_id, p.author_id) OR $3)
        AND shown_to(p, $2)
        AND ($4::integer IS NULL OR c.version = $4)
),
removed AS (
    DELETE FROM comments AS c
    USING doomed
    WHERE c.post_id = doomed.post_id AND (c.id = doomed.id OR c.parent_id = doomed.id)
    RETURNING c.id
),
counted AS (
    UPDATE posts AS p
    SET comment_count = p.comment_count - (SELECT count(*) FROM removed)
    FROM doomed
    WHERE p.id = doomed.post_id
    RETURNING p.id, p.comment_count
)
SELECT
    doomed.id, counted.id AS "postId", counted.comment_count AS "commentCount", doomed.author_id AS "_authorId",
    ARRAY(SELECT removed.id FROM removed WHERE removed.id <> doomed.id) AS "replyIds"
FROM doomed
CROSS JOIN counted;
