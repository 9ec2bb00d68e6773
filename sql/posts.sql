-- Posts. Their counters in post_stats are changed by sql/reactions.sql and sql/comments.sql. `position` is a post's place in
-- every list, and NULL for a post in no list. Lists take the position to continue before; for the first page the highest
-- possible one.

-- name: import_post(post_id, position, author_id, type, status, title, body, usernames, context) :value
-- Insert a post with a given id, published at the time of its position; returns its event. For demo data, whose first posts the
-- documentation refers to.
WITH added AS (
    INSERT INTO posts (id, position, author_id, type, status, title, body, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, read_time($2), read_time($2))
    RETURNING *
),
logged AS (
    INSERT INTO post_status_log (id, post_id, actor_id, to_status)
    SELECT position, id, author_id, status FROM added WHERE status IS NOT NULL
),
stats AS (
    INSERT INTO post_stats (post_id, score, least_score)
    SELECT id, heat(created_at, 1), heat(created_at, 1) FROM added
)
SELECT emit(
    'post.created', $3, 'post', id,
    jsonb_build_object('authorId', author_id, 'type', type, 'mentionedIds', find_named($8::citext[])),
    $9
)
FROM added;

-- name: create_post(author_id, type, status, title, body, usernames, context, project_id) :one!
-- Insert a post with its counters, first status and event; returns it as its author sees it. A draft has no position, and
-- nobody is notified of it.
WITH added AS (
    INSERT INTO posts (id, position, author_id, type, status, title, body, project_id)
    SELECT new.id, CASE WHEN $3 IS DISTINCT FROM 'draft' THEN new.id END, $1, $2, $3, $4, $5, $8
    FROM (SELECT uuidv7() AS id) AS new
    RETURNING *
),
stats AS (
    INSERT INTO post_stats (post_id, score, least_score)
    SELECT
        id,
        CASE WHEN position IS NOT NULL THEN heat(created_at, 1) END,
        CASE WHEN position IS NOT NULL THEN heat(created_at, 1) END
    FROM added
),
logged AS (
    -- The log entry gets the post's id, which is the position of a post published at once.
    INSERT INTO post_status_log (id, post_id, actor_id, to_status)
    SELECT id, id, author_id, status FROM added WHERE status IS NOT NULL
)
SELECT
    p.id, p.type, p.status, p.title, p.body, person(a) AS author, NULL::json AS assignee,
    0 AS "likeCount", 0 AS "commentCount", 0 AS "interestCount", 0::bigint AS "countsVersion",
    '[]'::json AS uploads, p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt",
    read_time(p.position) AS "publishedAt",
    false AS liked, false AS interested, p.project_id AS "projectId", p.author_id AS "_authorId", p.position AS "_position",
    CASE
        WHEN p.position IS NULL
            THEN emit('post.drafted', $1, 'post', p.id, jsonb_build_object('authorId', p.author_id), $7)
        ELSE emit(
            'post.created', $1, 'post', p.id,
            jsonb_build_object(
                'authorId', p.author_id, 'type', p.type,
                'mentionedIds', CASE WHEN cardinality($6::citext[]) > 0 THEN find_named($6) ELSE '[]' END
            ),
            $7
        )
    END AS "_eventId"
FROM added AS p
INNER JOIN users AS a ON a.id = p.author_id;

-- name: get_post(post_id, viewer_id) :one
-- One post as a viewer sees it; no row if they may not see it.
SELECT i.*, mine.*, show_link(i."_projectId", $2) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($2, i.id) AS mine
WHERE i.id = $1 AND (i.status IS DISTINCT FROM 'draft' OR i."_authorId" = $2);

-- name: find_posts(viewer_id, ids) :many
-- Several posts as a viewer sees them; no row for one that they may not see.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i.id = ANY($2::uuid[]) AND (i.status IS DISTINCT FROM 'draft' OR i."_authorId" = $1);

-- name: is_post_shown(post_id, viewer_id) :value
-- Whether a post exists and the viewer may see it.
SELECT EXISTS (SELECT FROM posts AS p WHERE p.id = $1 AND shown_to(p, $2));

-- name: list_posts(viewer_id, before, most) :many
-- The newest posts of all authors.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i."_position" < $2
ORDER BY i."_position" DESC
LIMIT $3;

-- name: list_author_posts(viewer_id, author_id, before, most) :many
-- The newest posts of one author.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i."_authorId" = $2 AND i."_position" < $3
ORDER BY i."_position" DESC
LIMIT $4;

-- name: list_author_posts_of(viewer_id, author_id, type, status, before, most) :many
-- Like list_author_posts, of one type, one status, or both; a NULL filter is ignored.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i."_authorId" = $2
    AND ($3::text IS NULL OR i.type = $3)
    AND ($4::text IS NULL OR i.status = $4)
    AND i."_position" < $5
ORDER BY i."_position" DESC
LIMIT $6;

-- name: list_normal_posts(viewer_id, before, most) :many
-- The newest normal posts. Each type has its own statement: given the type as a parameter, the planner assumes that rare types
-- are as frequent as others, and reads all posts to find them.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i.type = 'normal' AND i."_position" < $2
ORDER BY i."_position" DESC
LIMIT $3;

-- name: list_announcements(viewer_id, before, most) :many
-- The newest announcements.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i.type = 'announcement' AND i."_position" < $2
ORDER BY i."_position" DESC
LIMIT $3;

-- name: list_projects(viewer_id, before, most) :many
-- The newest posts of type project.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i.type = 'project' AND i."_position" < $2
ORDER BY i."_position" DESC
LIMIT $3;

-- name: list_posts_by_status(viewer_id, status, before, most) :many
-- The newest listed announcements or projects of one status. Bounds and ORDER BY on both columns of the index leave the planner
-- no other index: it would scan the positions of all posts to find those of a rare status.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i.status >= $2 AND (i.status, i."_position") < ($2, $3)
ORDER BY i.status DESC, i."_position" DESC
LIMIT $4;

-- name: list_posts_matching(viewer_id, text, before, type, status, most) :many
-- The newest posts before a position that match a text; of one type, one status, or both; a NULL filter is ignored. As in
-- sql/search.sql, the newest documents are scanned first, and the index of words is used only if that is not enough.
WITH asked AS MATERIALIZED (
    SELECT make_query($2) AS query
),
documented AS (
    (
        SELECT newest.recency
        FROM asked
        CROSS JOIN LATERAL (
            SELECT recency, words FROM post_documents WHERE recency < $3 ORDER BY recency DESC LIMIT 2000
        ) AS newest
        WHERE newest.words @@ asked.query
            AND (
                SELECT true
                FROM posts AS p
                WHERE p.position = newest.recency
                    AND ($4::text IS NULL OR p.type = $4)
                    AND ($5::text IS NULL OR p.status = $5)
            )
        ORDER BY newest.recency DESC
        LIMIT $6
    )
    UNION ALL
    (
        SELECT older.recency
        FROM (
            SELECT matching.recency
            FROM asked
            CROSS JOIN LATERAL (SELECT recency FROM post_documents WHERE words @@ asked.query OFFSET 0) AS matching
            WHERE querytree(asked.query) <> 'T'
                AND matching.recency <= (
                    SELECT recency FROM post_documents WHERE recency < $3 ORDER BY recency DESC OFFSET 2000 LIMIT 1
                )
            ORDER BY matching.recency DESC
            OFFSET 0
        ) AS older
        WHERE (
            SELECT true
            FROM posts AS p
            WHERE p.position = older.recency
                AND ($4::text IS NULL OR p.type = $4)
                AND ($5::text IS NULL OR p.status = $5)
        )
        LIMIT $6
    )
    LIMIT $6
),
found AS MATERIALIZED (
    SELECT d.recency FROM documented AS d
    UNION ALL
    SELECT fresh.recency
    FROM asked
    CROSS JOIN fresh_documents AS fresh
    INNER JOIN posts AS p ON p.position = fresh.recency
    WHERE fresh.kind = 'post'
        AND fresh.words @@ asked.query
        AND fresh.recency < $3
        AND ($4::text IS NULL OR p.type = $4)
        AND ($5::text IS NULL OR p.status = $5)
    ORDER BY recency DESC
    LIMIT $6
)
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM found
CROSS JOIN LATERAL (SELECT * FROM post_items WHERE post_items."_position" = found.recency OFFSET 0) AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
ORDER BY found.recency DESC;

-- name: list_author_posts_matching(viewer_id, author_id, text, before, type, status, most) :many
-- Like list_posts_matching, for one author.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM (
    SELECT p.position
    FROM (SELECT make_query($3) AS query OFFSET 0) AS asked
    CROSS JOIN posts AS p
    WHERE p.author_id = $2
        AND p.position < $4
        AND ($5::text IS NULL OR p.type = $5)
        AND ($6::text IS NULL OR p.status = $6)
        AND coalesce(
            (SELECT d.words @@ asked.query FROM post_documents AS d WHERE d.post_id = p.id),
            make_words(p.title, p.body) @@ asked.query
        )
    ORDER BY p.position DESC
    LIMIT $7
) AS found
CROSS JOIN LATERAL (SELECT * FROM post_items WHERE post_items."_position" = found.position OFFSET 0) AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
ORDER BY found.position DESC;

-- name: list_own_unlisted(author_id, status, before, most) :many
-- A user's own unlisted posts of one status, drafts or archived ones, before an id, newest first.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM post_items AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
WHERE i."_authorId" = $1 AND i.status = $2 AND i."_position" IS NULL AND i.id < $3
ORDER BY i.id DESC
LIMIT $4;

-- name: update_post(post_id, set_title, title, body, set_project, project_id) :exec
-- Change a post that the caller has locked: the title if `set_title`, the body if not NULL, the linked project if
-- `set_project`.
UPDATE posts
SET
    title = CASE WHEN $2 THEN $3 ELSE title END,
    body = coalesce($4, body),
    project_id = CASE WHEN $5 THEN $6 ELSE project_id END,
    version = version + 1,
    updated_at = now()
WHERE id = $1;

-- name: lock_post(post_id) :exec
-- Lock a post before a change that depends on its current state, so that each change sees the one before. A separate statement:
-- locking and updating in one could deadlock with another such statement while a like, or the worker that indexes the post,
-- holds a key-share lock on the row.
SELECT FROM posts WHERE id = $1 FOR NO KEY UPDATE;

-- name: lock_stats(post_id) :exec
-- Lock a post's counters before its score is recomputed; a separate statement, so that the next one sees all changes committed
-- meanwhile.
SELECT FROM post_stats WHERE post_id = $1 FOR NO KEY UPDATE;

-- name: move_post(post_id, actor_id, status, from_statuses) :one
-- Move an announcement or a project from one of `from_statuses` to another status; the caller has locked the post and its
-- stats. Publishing, also again, puts it on top of the lists and of explore; archiving removes it from them. The log entry of a
-- publication has the post's position as its id, which tells its time. No row if the status is not one of `from_statuses`.
WITH before AS (
    SELECT id, status
    FROM posts
    WHERE id = $1
),
moved AS (
    UPDATE posts AS p
    SET
        status = $3,
        position = CASE
            WHEN $3 = 'archived' THEN NULL
            WHEN p.position IS NULL THEN uuidv7()
            ELSE p.position
        END,
        version = p.version + 1,
        updated_at = now()
    FROM before
    WHERE p.id = before.id AND before.status = ANY($4::text[])
    RETURNING p.id, p.position, before.status AS from_status
),
placed AS (
    UPDATE post_stats AS s
    SET
        score = CASE
            WHEN moved.position IS NULL THEN NULL
            WHEN s.score IS NULL THEN measure_post(s.post_id, now())
            ELSE s.score
        END,
        least_score = CASE
            WHEN moved.position IS NULL THEN NULL
            WHEN s.score IS NULL THEN heat(now(), 1)
            ELSE s.least_score
        END
    FROM moved
    WHERE s.post_id = moved.id AND (moved.position IS NULL) <> (s.score IS NULL)
),
logged AS (
    INSERT INTO post_status_log (id, post_id, actor_id, from_status, to_status)
    SELECT CASE WHEN $3 = 'published' THEN position ELSE uuidv7() END, id, $2, from_status, $3 FROM moved
    RETURNING from_status
)
SELECT from_status AS "from" FROM logged;

-- name: list_moves(post_id, after, most) :many
-- The changes of a post's status after an id, oldest first.
SELECT
    g.id, g.from_status AS "from", g.to_status AS "to", person(u) AS actor, g.created_at AS "createdAt"
FROM post_status_log AS g
LEFT JOIN users AS u ON u.id = g.actor_id
WHERE g.post_id = $1 AND g.id > $2
ORDER BY g.id
LIMIT $3;

-- name: assign_post(post_id, assignee_id) :one
-- Assign an open project that the caller has locked to an interested user, or remove the assignee of any project (NULL).
-- Assigning the same user again changes nothing. No row if neither is possible.
WITH before AS (
    SELECT id, assignee_id
    FROM posts
    WHERE id = $1 AND type = 'project'
)
UPDATE posts AS p
SET
    assignee_id = $2,
    version = p.version + (before.assignee_id IS DISTINCT FROM $2)::integer,
    updated_at = CASE WHEN before.assignee_id IS DISTINCT FROM $2 THEN now() ELSE p.updated_at END
FROM before
WHERE p.id = before.id
    AND (
        $2::uuid IS NULL
        OR p.status NOT IN ('completed', 'cancelled')
        AND EXISTS (
            SELECT
            FROM interests AS t
            INNER JOIN users AS u ON u.id = t.user_id AND u.status = 'active'
            WHERE t.post_id = $1 AND t.user_id = $2
        )
    )
RETURNING p.id, before.assignee_id AS "_previousId", p.author_id AS "_authorId";

-- name: lock_posts_of(user_id) :exec
-- Lock, in id order, the posts that a user who leaves is assigned to or interested in; a concurrent transaction could assign
-- the latter to them.
SELECT
FROM posts
WHERE id IN (
    SELECT t.post_id FROM interests AS t WHERE t.user_id = $1
    UNION ALL
    SELECT a.id FROM posts AS a WHERE a.assignee_id = $1
)
ORDER BY id
FOR NO KEY UPDATE;

-- name: unassign_person(user_id) :exec
-- Remove a user who leaves as the assignee of projects.
UPDATE posts
SET assignee_id = NULL, version = version + 1, updated_at = now()
WHERE assignee_id = $1;

-- name: lock_for_removal(post_id) :exec
-- Lock a post FOR UPDATE, which also keeps out changes of what belongs to it: these take a key-share lock on the post.
SELECT FROM posts WHERE id = $1 FOR UPDATE;

-- name: touch_post(post_id) :exec
-- Increment a post's version after a change of something that belongs to it.
UPDATE posts SET version = version + 1, updated_at = now() WHERE id = $1;

-- name: delete_post(post_id) :exec
-- Delete a post with its comments, likes and interests, and blank the stored responses that show the post or its comments;
-- their keys stay, so that a retry does not create them again. Notifications stay, without the link.
WITH blanked AS (
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    WHERE k.entity_id IN (SELECT c.id FROM comments AS c WHERE c.post_id = $1 UNION ALL SELECT $1)
)
DELETE FROM posts WHERE id = $1;

-- name: list_mentioned(post_id, usernames) :many
-- The active users meant by the @usernames of a post or of a comment on it who may see the post.
SELECT u.id
FROM posts AS p
INNER JOIN users AS u ON u.username = ANY($2::citext[]) AND u.status = 'active'
WHERE p.id = $1 AND shown_to(p, u.id);

-- name: render_posts(ids) :many
-- Posts as rooms show them to everyone now; no row for a draft.
SELECT
    i.*,
    -- A profile shows listed posts only, so no archived ones.
    CASE WHEN i."_position" IS NULL THEN ARRAY['post:' || i.id] ELSE ARRAY['post:' || i.id, 'profile:' || i."_authorId"] END
        AS "_rooms"
FROM post_items AS i
WHERE i.id = ANY($1::uuid[]) AND i.status IS DISTINCT FROM 'draft';

-- name: export_posts(user_id) :many
-- A user's posts and drafts, for their export.
SELECT
    p.id, p.type, p.status, p.title, p.body, p.assignee_id AS "assigneeId", p.project_id AS "projectId", p.version,
    i."publishedAt",
    p.created_at AS "createdAt", p.updated_at AS "updatedAt"
FROM posts AS p
INNER JOIN post_items AS i ON i.id = p.id
WHERE p.author_id = $1
ORDER BY p.id;

-- name: export_statuses(user_id) :many
-- The changes of status of a user's posts, and those that the user made on other posts, for their export.
SELECT
    g.id, g.post_id AS "postId", g.from_status AS "from", g.to_status AS "to", g.actor_id AS "actorId",
    g.created_at AS "createdAt"
FROM post_status_log AS g
INNER JOIN posts AS p ON p.id = g.post_id
WHERE p.author_id = $1
UNION
SELECT g.id, g.post_id, g.from_status, g.to_status, g.actor_id, g.created_at
FROM post_status_log AS g
WHERE g.actor_id = $1
ORDER BY id;

-- name: fill_stats() :exec
-- Insert counters and scores of posts that were loaded in bulk.
INSERT INTO post_stats (post_id, like_count, comment_count, interest_count, score, least_score)
SELECT
    p.id,
    (SELECT count(*) FROM likes AS l WHERE l.post_id = p.id),
    (SELECT count(*) FROM comments AS c WHERE c.post_id = p.id AND c.body IS NOT NULL),
    (SELECT count(*) FROM interests AS t WHERE t.post_id = p.id),
    CASE WHEN p.position IS NOT NULL THEN measure_post(p.id, p.created_at) END,
    CASE WHEN p.position IS NOT NULL THEN heat(p.created_at, 1) END
FROM posts AS p
ON CONFLICT ON CONSTRAINT post_stats_pkey DO NOTHING;
