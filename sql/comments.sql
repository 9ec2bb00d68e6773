-- Comments, and the counter and score of post_stats with them.

-- name: create_comment(post_id, author_id, parent_id, body, usernames, context) :one
-- A new comment, counted on its post, and its event. A reply to a reply hangs on the first one's parent, so that threads
-- stay one level deep. No row where the post, or the parent on that post, does not exist. Of the people named, those who
-- may see the post are told.
WITH post AS MATERIALIZED (
    SELECT p.id, p.author_id, p.status IS NOT DISTINCT FROM 'draft' AS draft
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR KEY SHARE
),
parent AS (
    SELECT id, coalesce(parent_id, id) AS thread_id, author_id
    FROM comments
    WHERE id = $3 AND post_id = $1
),
added AS (
    INSERT INTO comments (post_id, author_id, parent_id, body)
    SELECT post.id, $2, (SELECT thread_id FROM parent), $4
    FROM post
    WHERE $3::uuid IS NULL OR EXISTS (SELECT FROM parent)
    RETURNING *
),
counted AS (
    UPDATE post_stats AS s
    SET
        comment_count = s.comment_count + 1,
        score = CASE WHEN s.score IS NOT NULL THEN add_heat(s.score, heat(now(), 2)) END
    FROM added
    WHERE s.post_id = added.post_id
    RETURNING s.post_id
)
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, person(u) AS author,
    c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
    emit(
        'comment.created', $2, 'comment', c.id,
        jsonb_build_object(
            'postId', c.post_id, 'postAuthorId', post.author_id,
            'parentAuthorId', (SELECT author_id FROM parent), 'onDraft', post.draft,
            'mentionedIds', CASE
                WHEN cardinality($5::citext[]) > 0
                    THEN find_named($5, CASE WHEN post.draft THEN post.author_id END)
                ELSE '[]'
            END
        ),
        $6, c.post_id
    ) AS "_eventId"
FROM added AS c
INNER JOIN counted ON counted.post_id = c.post_id
INNER JOIN post ON post.id = c.post_id
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

-- name: render_comments(ids) :many
-- Comments as everybody in their post's room sees them now. Nobody sees those on a draft there.
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, person(u) AS author,
    c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt", s.comment_count AS "commentCount",
    s.revision AS "countsVersion",
    ARRAY['post:' || c.post_id] AS "_rooms"
FROM comments AS c
INNER JOIN users AS u ON u.id = c.author_id
INNER JOIN posts AS p ON p.id = c.post_id
INNER JOIN post_stats AS s ON s.post_id = c.post_id
WHERE c.id = ANY($1::uuid[]) AND p.status IS DISTINCT FROM 'draft';

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

-- name: list_newest_comments(post_id, viewer_id, before, most) :many
-- As list_comments(), from the newest one back.
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, person(u) AS author,
    c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt"
FROM comments AS c
INNER JOIN users AS u ON u.id = c.author_id
WHERE c.post_id = $1 AND (SELECT shown_to(p, $2) FROM posts AS p WHERE p.id = $1) AND c.id < $3
ORDER BY c.id DESC
LIMIT $4;

-- name: lock_comment(comment_id) :exec
-- Before a change, which depends on how the comment stands.
SELECT FROM comments WHERE id = $1 FOR NO KEY UPDATE;

-- name: update_comment(comment_id, body) :exec
-- Change the text of a comment, which is locked.
UPDATE comments
SET body = $2, version = version + 1, updated_at = now()
WHERE id = $1;

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
-- counted off, and stored answers that show them go along. The post is locked. A NULL version matches any.
WITH doomed AS (
    SELECT c.id, c.post_id, c.author_id, p.status IS NOT DISTINCT FROM 'draft' AS draft
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
    RETURNING c.id, c.created_at
),
blanked AS (
    -- The keys stay, so that a retry makes nothing anew.
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    FROM removed
    WHERE k.entity_id = removed.id
),
counted AS (
    UPDATE post_stats AS s
    SET
        comment_count = s.comment_count - (SELECT count(*) FROM removed),
        score = CASE
            WHEN s.score IS NOT NULL
                THEN take_heat(s.score, (SELECT sum_heat(heat(created_at, 2)) FROM removed), s.least_score)
        END
    FROM doomed
    WHERE s.post_id = doomed.post_id
    RETURNING s.post_id, s.comment_count
)
SELECT
    doomed.id, counted.post_id AS "postId", counted.comment_count AS "commentCount", doomed.author_id AS "_authorId",
    doomed.draft AS "_onDraft",
    ARRAY(SELECT removed.id FROM removed WHERE removed.id <> doomed.id) AS "replyIds"
FROM doomed
INNER JOIN counted ON counted.post_id = doomed.post_id;

-- name: export_comments(user_id) :many
-- What a person said to posts.
SELECT
    c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.body, c.created_at AS "createdAt",
    c.updated_at AS "updatedAt"
FROM comments AS c
WHERE c.author_id = $1
ORDER BY c.id;
