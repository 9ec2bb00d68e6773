-- Search. A worker makes the documents from events of new and changed texts, and suggestions from new words. Words are inserted
-- while share_words() holds its lock, and deleted while claim_words() holds the other mode: a word that a batch finds in
-- search_words stays there until its document is visible.

-- name: search_posts(viewer_id, text, before_score, before_recency, most) :many
-- Listed posts, and the viewer's own drafts and archived posts; the best match first.
WITH page AS MATERIALIZED (
    SELECT p.id, p.title, p.body, p.author_id, p.created_at, d.score, d.recency, asked.*
    FROM (SELECT make_query($2) AS query, make_query($2, true) AS marks OFFSET 0) AS asked
    CROSS JOIN LATERAL find_documents('post', asked.query) AS d
    INNER JOIN posts AS p ON p.id = d.id
    WHERE (d.score, d.recency) < ($3, $4) AND (p.position IS NOT NULL OR p.author_id = $1)
    ORDER BY d.score DESC, d.recency DESC
    LIMIT $5
)
SELECT
    'post' AS kind, page.id, page.title,
    highlight(concat_ws(E'\n', page.title, page.body), page.query, page.marks) AS highlight,
    page.score, page.created_at AS "createdAt", person(u) AS author, NULL::json AS person, page.id AS "postId",
    page.recency AS "_recency"
FROM page
INNER JOIN users AS u ON u.id = page.author_id
ORDER BY page.score DESC, page.recency DESC;

-- name: search_comments(viewer_id, text, before_score, before_recency, most) :many
-- Comments on listed posts and on the viewer's own posts; the best match first.
WITH page AS MATERIALIZED (
    SELECT c.id, p.title, c.body, c.author_id, c.created_at, c.post_id, d.score, d.recency, asked.*
    FROM (SELECT make_query($2) AS query, make_query($2, true) AS marks OFFSET 0) AS asked
    CROSS JOIN LATERAL find_documents('comment', asked.query) AS d
    INNER JOIN comments AS c ON c.id = d.id
    INNER JOIN posts AS p ON p.id = c.post_id
    WHERE (d.score, d.recency) < ($3, $4) AND (p.position IS NOT NULL OR p.author_id = $1)
    ORDER BY d.score DESC, d.recency DESC
    LIMIT $5
)
SELECT
    'comment' AS kind, page.id, page.title, highlight(page.body, page.query, page.marks) AS highlight,
    page.score, page.created_at AS "createdAt", person(u) AS author, NULL::json AS person,
    page.post_id AS "postId", page.recency AS "_recency"
FROM page
INNER JOIN users AS u ON u.id = page.author_id
ORDER BY page.score DESC, page.recency DESC;

-- name: search_tasks(viewer_id, sees_all, text, before_score, before_recency, most) :many
-- Tasks that the viewer may see, the best match first. As in find_documents() the newest 500 matches are ranked, here only
-- those that the viewer sees. A word that is common among the newest 2,000 documents is searched in the newest 50,000, and if
-- they have fewer than 500 matches also in the newest tasks of each of the viewer's sources; any other word by the index.
WITH asked AS MATERIALIZED (
    SELECT make_query($3) AS query, make_query($3, true) AS marks
),
common AS MATERIALIZED (
    SELECT count(*) >= 12 OR bool_or(querytree(asked.query) = 'T') AS it
    FROM asked
    LEFT JOIN LATERAL (
        SELECT
        FROM (SELECT * FROM task_documents AS n ORDER BY n.task_id DESC LIMIT 2000) AS d
        WHERE d.words @@ asked.query
        LIMIT 12
    ) AS hits ON true
),
near AS MATERIALIZED (
    SELECT d.task_id, d.words
    FROM asked
    CROSS JOIN (SELECT * FROM task_documents AS n ORDER BY n.task_id DESC LIMIT 50000) AS d
    CROSS JOIN LATERAL (SELECT FROM visible_tasks($1, $2) AS t WHERE t.id = d.task_id OFFSET 0) AS seen
    WHERE (SELECT common.it FROM common) AND d.words @@ asked.query
    LIMIT 500
),
own AS (
    SELECT s.id
    FROM (
        (
            SELECT t.id FROM tasks AS t
            WHERE t.creator_id = $1 AND t.deleted_at IS NULL
            ORDER BY t.id DESC
            LIMIT 2000
        )
        UNION
        (
            SELECT t.id FROM tasks AS t
            WHERE t.assignee_id = $1 AND t.deleted_at IS NULL
            ORDER BY t.id DESC
            LIMIT 2000
        )
        UNION
        SELECT p.id
        FROM project_members AS m
        CROSS JOIN LATERAL (
            SELECT t.id FROM tasks AS t
            WHERE t.project_id = m.project_id AND t.deleted_at IS NULL
            ORDER BY t.id DESC
            LIMIT 500
        ) AS p
        WHERE m.user_id = $1
    ) AS s
    WHERE NOT $2 AND (SELECT common.it FROM common) AND (SELECT count(*) FROM near) < 500
),
found AS (
    SELECT near.task_id, near.words FROM near
    UNION ALL
    SELECT f.id, f.words
    FROM asked
    CROSS JOIN LATERAL (
        SELECT fresh.id, fresh.words FROM fresh_documents AS fresh WHERE fresh.kind = 'task' AND fresh.words @@ asked.query
    ) AS f
    CROSS JOIN LATERAL (SELECT FROM visible_tasks($1, $2) AS t WHERE t.id = f.id OFFSET 0) AS seen
    UNION ALL
    (
        SELECT d.task_id, d.words
        FROM asked
        CROSS JOIN own
        CROSS JOIN LATERAL (SELECT * FROM task_documents AS o WHERE o.task_id = own.id OFFSET 0) AS d
        WHERE d.words @@ asked.query
            AND NOT EXISTS (SELECT FROM near WHERE near.task_id = own.id)
            AND EXISTS (SELECT FROM visible_tasks($1, $2) AS t WHERE t.id = own.id)
        ORDER BY d.task_id DESC
        LIMIT 500
    )
    UNION ALL
    (
        SELECT d.task_id, d.words
        FROM asked
        CROSS JOIN LATERAL (SELECT * FROM task_documents AS m WHERE m.words @@ asked.query OFFSET 0) AS d
        CROSS JOIN LATERAL (SELECT FROM visible_tasks($1, $2) AS t WHERE t.id = d.task_id OFFSET 0) AS seen
        WHERE NOT (SELECT common.it FROM common)
        ORDER BY d.task_id DESC
        LIMIT 500
    )
),
page AS MATERIALIZED (
    SELECT r.task_id, r.score, asked.query, asked.marks
    FROM asked
    CROSS JOIN LATERAL (
        SELECT f.task_id, ts_rank(f.words, asked.query || asked.query, 1)::double precision AS score
        FROM (SELECT * FROM found ORDER BY found.task_id DESC LIMIT 500) AS f
    ) AS r
    WHERE (r.score, r.task_id) < ($4, $5)
    ORDER BY r.score DESC, r.task_id DESC
    LIMIT $6
)
SELECT
    'task' AS kind, t.id, t.title,
    highlight(concat_ws(E'\n', t.title, t.description), page.query, page.marks) AS highlight,
    page.score, t.created_at AS "createdAt", person(u) AS author, NULL::json AS person, NULL::uuid AS "postId",
    page.task_id AS "_recency"
FROM page
INNER JOIN tasks AS t ON t.id = page.task_id
INNER JOIN users AS u ON u.id = t.creator_id
ORDER BY page.score DESC, page.task_id DESC;

-- name: search_projects(viewer_id, sees_all, text, before_score, before_recency, most) :many
-- Projects that the viewer may see, the best match first; the newest 500 matches are ranked. There are so few projects that all
-- matches are read.
WITH page AS MATERIALIZED (
    SELECT r.id, r.name, r.description, r.created_at, r.score, asked.query, asked.marks
    FROM (SELECT make_query($3) AS query, make_query($3, true) AS marks OFFSET 0) AS asked
    CROSS JOIN LATERAL (
        SELECT p.*, ts_rank(d.words, asked.query || asked.query, 1)::double precision AS score
        FROM (
            SELECT n.project_id, n.words FROM project_documents AS n WHERE n.words @@ asked.query
            UNION ALL
            SELECT f.id, f.words FROM fresh_documents AS f WHERE f.kind = 'project' AND f.words @@ asked.query
        ) AS d
        INNER JOIN projects AS p ON p.id = d.project_id
        WHERE p.deleted_at IS NULL
            AND (
                $2
                OR p.visibility <> 'private'
                OR EXISTS (SELECT FROM project_members AS m WHERE m.project_id = p.id AND m.user_id = $1)
            )
        ORDER BY p.id DESC
        LIMIT 500
    ) AS r
    WHERE (r.score, r.id) < ($4, $5)
    ORDER BY r.score DESC, r.id DESC
    LIMIT $6
)
SELECT
    'project' AS kind, page.id, page.name AS title,
    highlight(concat_ws(E'\n', page.name, page.description), page.query, page.marks) AS highlight,
    page.score, page.created_at AS "createdAt", NULL::json AS author, NULL::json AS person, NULL::uuid AS "postId",
    page.id AS "_recency"
FROM page
ORDER BY page.score DESC, page.id DESC;

-- name: search_files(viewer_id, sees_all, text, before_score, before_recency, most) :many
-- Files of projects that the viewer may read, the best match first; the newest 500 matches are ranked. A query that only
-- excludes words finds no file, because it would read all documents.
WITH page AS MATERIALIZED (
    SELECT r.id, r.score, asked.query, asked.marks
    FROM (SELECT make_query($3) AS query, make_query($3, true) AS marks OFFSET 0) AS asked
    CROSS JOIN LATERAL (
        SELECT newest.id, ts_rank(newest.words, asked.query || asked.query, 1)::double precision AS score
        FROM (
            SELECT f.id, d.words
            FROM (
                (SELECT n.file_id, n.words FROM file_documents AS n WHERE n.words @@ asked.query OFFSET 0)
                UNION ALL
                SELECT fresh.id, fresh.words FROM fresh_documents AS fresh WHERE fresh.kind = 'file' AND fresh.words @@ asked.query
            ) AS d
            INNER JOIN files AS f ON f.id = d.file_id
            INNER JOIN projects AS p ON p.id = f.project_id
            WHERE querytree(asked.query) <> 'T'
                AND f.deleted_at IS NULL
                AND p.deleted_at IS NULL
                AND (
                    $2
                    OR p.visibility <> 'private'
                    OR EXISTS (SELECT FROM project_members AS m WHERE m.project_id = p.id AND m.user_id = $1)
                )
            ORDER BY f.id DESC
            LIMIT 500
        ) AS newest
        OFFSET 0
    ) AS r
    WHERE (r.score, r.id) < ($4, $5)
    ORDER BY r.score DESC, r.id DESC
    LIMIT $6
)
SELECT
    'file' AS kind, page.id, f.path AS title,
    highlight(concat_ws(E'\n', f.path, d.body), page.query, page.marks) AS highlight,
    page.score, f.created_at AS "createdAt", (SELECT person(u) FROM users AS u WHERE u.id = f.creator_id) AS author,
    NULL::json AS person, NULL::uuid AS "postId", page.id AS "_recency"
FROM page
INNER JOIN files AS f ON f.id = page.id
LEFT JOIN file_documents AS d ON d.file_id = page.id
ORDER BY page.score DESC, page.id DESC;

-- name: search_people(viewer_id, text, before_score, before_recency, most) :many
-- Active users by name, the best match first; the last word may be the beginning of a name, but whole names come first.
WITH page AS MATERIALIZED (
    SELECT u.id, found.score, found.recency, found.query, found.marks
    FROM (
        SELECT
            d.id, d.recency, asked.query, asked.marks,
            d.score + coalesce(
                (SELECT p.words @@ asked.whole FROM person_documents AS p WHERE p.user_id = d.id), false
            )::integer AS score
        FROM (
            SELECT
                make_name_query($2, true, false) AS query, make_name_query($2, false, false) AS whole,
                make_name_query($2, true, true) AS marks
            OFFSET 0
        ) AS asked
        CROSS JOIN LATERAL find_documents('person', asked.query) AS d
        OFFSET 0
    ) AS found
    INNER JOIN users AS u ON u.id = found.id
    WHERE (found.score, found.recency) < ($3, $4) AND u.status = 'active'
    ORDER BY found.score DESC, found.recency DESC
    LIMIT $5
)
SELECT
    'person' AS kind, page.id, display_name(u) AS title,
    highlight(name_person(u), page.query, page.marks, 'nexcorp_names') AS highlight,
    page.score, u.created_at AS "createdAt", NULL::json AS author,
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS person,
    NULL::uuid AS "postId", page.recency AS "_recency"
FROM page
INNER JOIN users AS u ON u.id = page.id
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
ORDER BY page.score DESC, page.recency DESC;

-- name: limit_statements(milliseconds) :value
-- Limit the duration of each further statement of this transaction.
SELECT set_config('statement_timeout', $1::integer::text, true);

-- name: list_near_words(words) :many
-- Known words similar to words that no text contains: of about the same length, with the same beginning or end, at an edit
-- distance of at most 2, or 3 from eight letters on. That is one typo more than is allowed, because two swapped letters count
-- twice here.
SELECT asked.word, near.word AS near
FROM (
    SELECT
        a.word, length(a.word) AS letters, 1 + (length(a.word) >= 8)::integer AS typos,
        least((length(a.word) - 1) / 2, 3) AS part
    FROM unnest($1::text[]) AS a (word)
    WHERE (SELECT true FROM search_words AS s WHERE s.word = a.word) IS NULL
    OFFSET 0
) AS asked
CROSS JOIN LATERAL (
    SELECT likely.word, levenshtein_less_equal(likely.word, asked.word, asked.typos + 1) AS distance
    FROM (
        SELECT s.word
        FROM generate_series(asked.letters - asked.typos, asked.letters + asked.typos) AS l (letters)
        CROSS JOIN LATERAL (
            SELECT w.word
            FROM search_words AS w
            WHERE length(w.word) = l.letters
                AND w.word COLLATE "C" >= left(asked.word, asked.part)
                AND w.word COLLATE "C" < left(asked.word, asked.part) || chr(1114111)
            LIMIT 2000
        ) AS s
        UNION
        SELECT s.word
        FROM generate_series(asked.letters - asked.typos, asked.letters + asked.typos) AS l (letters)
        CROSS JOIN LATERAL (
            SELECT w.word
            FROM search_words AS w
            WHERE length(w.word) = l.letters
                AND reverse(w.word) COLLATE "C" >= left(reverse(asked.word), asked.part)
                AND reverse(w.word) COLLATE "C" < left(reverse(asked.word), asked.part) || chr(1114111)
            LIMIT 2000
        ) AS s
    ) AS likely
    ORDER BY distance, likely.word
    LIMIT 50
) AS near
WHERE near.distance <= asked.typos + 1
ORDER BY asked.word, near.distance, near.word;

-- name: share_words() :value
-- Take the shared lock before a batch reads texts, so that no word is deleted until the transaction ends. Returns whether there
-- are rows in search_doubts.
SELECT EXISTS (SELECT FROM search_doubts) FROM pg_advisory_xact_lock_shared(x'736572'::integer, 0);

-- name: index_posts(ids) :many
-- Index posts in their current state; returns their words that are new. The rows are locked, so that they are not deleted
-- meanwhile.
WITH texts AS MATERIALIZED (
    SELECT p.id, coalesce(p.position, p.id) AS recency, p.position IS NOT NULL AS listed, p.title, p.body
    FROM posts AS p
    WHERE p.id = ANY($1::uuid[])
    ORDER BY p.id
    FOR KEY SHARE
),
indexed AS (
    INSERT INTO post_documents AS d (post_id, recency, words)
    SELECT id, recency, make_words(title, body) FROM texts
    ON CONFLICT ON CONSTRAINT post_documents_pkey DO UPDATE
    SET recency = excluded.recency, words = excluded.words
    WHERE (d.recency, d.words) IS DISTINCT FROM (excluded.recency, excluded.words)
)
SELECT DISTINCT w AS word
FROM texts
CROSS JOIN LATERAL list_words(concat_ws(' ', texts.title, texts.body)) AS w
WHERE texts.listed AND NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w);

-- name: index_comments(ids) :many
-- Index comments in their current state and remove placeholders from the index; returns their words that are new. Their posts
-- are locked first, in the lock order that all statements follow.
WITH held AS MATERIALIZED (
    SELECT p.id
    FROM posts AS p
    WHERE p.id IN (SELECT c.post_id FROM comments AS c WHERE c.id = ANY($1::uuid[]))
    ORDER BY p.id
    FOR KEY SHARE
),
texts AS MATERIALIZED (
    SELECT c.id, c.body
    FROM comments AS c
    INNER JOIN held ON held.id = c.post_id
    WHERE c.id = ANY($1::uuid[]) AND (SELECT count(*) FROM held) > 0
    ORDER BY c.id
    FOR KEY SHARE OF c
),
gone AS (
    DELETE FROM comment_documents AS d USING texts WHERE d.comment_id = texts.id AND texts.body IS NULL
),
indexed AS (
    INSERT INTO comment_documents AS d (comment_id, words)
    SELECT id, make_words(NULL, body) FROM texts WHERE body IS NOT NULL
    ON CONFLICT ON CONSTRAINT comment_documents_pkey DO UPDATE
    SET words = excluded.words
    WHERE d.words IS DISTINCT FROM excluded.words
)
SELECT DISTINCT w AS word
FROM texts
CROSS JOIN LATERAL list_words(texts.body) AS w
WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w);

-- name: index_tasks(ids) :many
-- Index tasks in their current state; returns their words that are new. The rows are locked, so that they are not deleted
-- meanwhile.
WITH texts AS MATERIALIZED (
    SELECT t.id, t.title, t.description
    FROM tasks AS t
    WHERE t.id = ANY($1::uuid[])
    ORDER BY t.id
    FOR KEY SHARE
),
indexed AS (
    INSERT INTO task_documents AS d (task_id, words)
    SELECT id, make_words(title, description) FROM texts
    ON CONFLICT ON CONSTRAINT task_documents_pkey DO UPDATE
    SET words = excluded.words
    WHERE d.words IS DISTINCT FROM excluded.words
)
SELECT DISTINCT w AS word
FROM texts
CROSS JOIN LATERAL list_words(concat_ws(' ', texts.title, texts.description)) AS w
WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w);

-- name: index_projects(ids) :many
-- Index projects in their current state; returns their words that are new. The rows are locked, so that they are not deleted
-- meanwhile.
WITH texts AS MATERIALIZED (
    SELECT p.id, p.name, p.description
    FROM projects AS p
    WHERE p.id = ANY($1::uuid[])
    ORDER BY p.id
    FOR KEY SHARE
),
indexed AS (
    INSERT INTO project_documents AS d (project_id, words)
    SELECT id, make_words(name, description) FROM texts
    ON CONFLICT ON CONSTRAINT project_documents_pkey DO UPDATE
    SET words = excluded.words
    WHERE d.words IS DISTINCT FROM excluded.words
)
SELECT DISTINCT w AS word
FROM texts
CROSS JOIN LATERAL list_words(concat_ws(' ', texts.name, texts.description)) AS w
WHERE NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w);

-- name: list_file_texts(ids) :many
-- The first, still compressed, chunk of the files' newest contents, as much as a search considers; NULL for binary files.
SELECT f.id, c.data
FROM files AS f
LEFT JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version AND f.kind = 'text'
LEFT JOIN file_chunks AS c ON c.sha256 = v.sha256 AND c.part = 0
WHERE f.id = ANY($1::uuid[])
ORDER BY f.id;

-- name: index_files(ids, bodies) :exec
-- Index files by their current paths and these texts. The rows are locked, so that they are not deleted meanwhile.
WITH texts AS MATERIALIZED (
    SELECT f.id, f.path, g.body
    FROM unnest($1::uuid[], $2::text[]) AS g (id, body)
    INNER JOIN files AS f ON f.id = g.id
    ORDER BY f.id
    FOR KEY SHARE OF f
)
INSERT INTO file_documents AS d (file_id, body, words)
SELECT id, body, make_words(path, body) FROM texts
ON CONFLICT ON CONSTRAINT file_documents_pkey DO UPDATE
SET body = excluded.body, words = excluded.words
WHERE (d.body, d.words) IS DISTINCT FROM (excluded.body, excluded.words);

-- name: index_people(ids) :many
-- Index active users by their current names and remove others from the index; returns the names that are new.
WITH texts AS MATERIALIZED (
    SELECT u.id, u.status = 'active' AS active, name_person(u) AS names
    FROM users AS u
    WHERE u.id = ANY($1::uuid[])
    ORDER BY u.id
    FOR KEY SHARE
),
gone AS (
    DELETE FROM person_documents AS d USING texts WHERE d.user_id = texts.id AND NOT texts.active
),
indexed AS (
    INSERT INTO person_documents AS d (user_id, words)
    SELECT id, make_name_words(names) FROM texts WHERE active
    ON CONFLICT ON CONSTRAINT person_documents_pkey DO UPDATE
    SET words = excluded.words
    WHERE d.words IS DISTINCT FROM excluded.words
)
SELECT DISTINCT w AS word
FROM texts
CROSS JOIN LATERAL list_words(texts.names) AS w
WHERE texts.active AND NOT EXISTS (SELECT FROM search_words AS s WHERE s.word = w);

-- name: note_words(words) :exec
-- Add words to the suggestions. All new words of a batch, in order, so that two batches with the same new words do not
-- deadlock.
INSERT INTO search_words (word)
SELECT word FROM unnest($1::text[]) AS new (word) ORDER BY word
ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING;

-- name: forget_person(user_id) :exec
-- Remove a user who leaves from the index.
DELETE FROM person_documents WHERE user_id = $1;

-- name: forget_comment(comment_id) :exec
-- Remove a comment that became a placeholder from the index.
DELETE FROM comment_documents WHERE comment_id = $1;

-- name: claim_doubts(most) :many
-- Words that were removed from a text and may occur in no other; locked, so that each is checked by one worker at a time.
SELECT id, word FROM search_doubts ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED;

-- name: list_words_in_posts(words) :many
-- The words among these that occur in a post.
SELECT asked.word
FROM (
    SELECT word, plainto_tsquery('nexcorp_all', word) AS query FROM unnest($1::text[]) AS given (word) OFFSET 0
) AS asked
WHERE EXISTS (
    SELECT
    FROM find_holders('post', asked.query) AS holder (id)
    WHERE (
        SELECT asked.word IN (SELECT list_words(concat_ws(' ', p.title, p.body)))
        FROM posts AS p
        WHERE p.id = holder.id
    )
);

-- name: list_words_in_comments(words) :many
-- The words among these that occur in a comment.
SELECT asked.word
FROM (
    SELECT word, plainto_tsquery('nexcorp_all', word) AS query FROM unnest($1::text[]) AS given (word) OFFSET 0
) AS asked
WHERE EXISTS (
    SELECT
    FROM find_holders('comment', asked.query) AS holder (id)
    WHERE (SELECT asked.word IN (SELECT list_words(c.body)) FROM comments AS c WHERE c.id = holder.id)
);

-- name: list_words_in_people(words) :many
-- The words among these that are names of active users.
SELECT asked.word
FROM (
    SELECT word, plainto_tsquery('nexcorp_names', word) AS query FROM unnest($1::text[]) AS given (word) OFFSET 0
) AS asked
WHERE EXISTS (
    SELECT
    FROM find_holders('person', asked.query) AS holder (id)
    WHERE (SELECT asked.word IN (SELECT list_words(name_person(u))) FROM users AS u WHERE u.id = holder.id)
);

-- name: list_words_in_tasks(words) :many
-- The words among these that occur in a task.
SELECT asked.word
FROM (
    SELECT word, plainto_tsquery('nexcorp_all', word) AS query FROM unnest($1::text[]) AS given (word) OFFSET 0
) AS asked
WHERE EXISTS (
    SELECT
    FROM find_holders('task', asked.query) AS holder (id)
    WHERE (
        SELECT asked.word IN (SELECT list_words(concat_ws(' ', t.title, t.description)))
        FROM tasks AS t
        WHERE t.id = holder.id
    )
);

-- name: list_words_in_projects(words) :many
-- The words among these that occur in a project.
SELECT asked.word
FROM (
    SELECT word, plainto_tsquery('nexcorp_all', word) AS query FROM unnest($1::text[]) AS given (word) OFFSET 0
) AS asked
WHERE EXISTS (
    SELECT
    FROM find_holders('project', asked.query) AS holder (id)
    WHERE (
        SELECT asked.word IN (SELECT list_words(concat_ws(' ', p.name, p.description)))
        FROM projects AS p
        WHERE p.id = holder.id
    )
);

-- name: claim_words() :exec
-- Take the exclusive lock before words are deleted: all batches that rely on them have ended, and the next one waits for this
-- transaction. Fails after half a second, so that a worker that hangs does not block the others for longer.
WITH limited AS MATERIALIZED (SELECT set_config('lock_timeout', '500ms', true))
SELECT pg_advisory_xact_lock(x'736572'::integer, 0) FROM limited;

-- name: delete_words(words) :exec
-- Remove words from the suggestions.
DELETE FROM search_words WHERE word = ANY($1::text[]);

-- name: delete_doubts(ids) :exec
-- Delete doubts that have been checked.
DELETE FROM search_doubts WHERE id = ANY($1::bigint[]);

-- name: claim_rebuild() :one
-- The kind whose documents are being rebuilt, and the id to continue before; locked, so that one worker at a time rebuilds it.
SELECT kind, before FROM search_rebuilds ORDER BY kind LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: list_posts_before(before, most) :many
-- The ids of posts before an id, newest first, for a rebuild.
SELECT id FROM posts WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: list_comments_before(before, most) :many
-- The ids of comments before an id, newest first.
SELECT id FROM comments WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: list_people_before(before, most) :many
-- The ids of users before an id, newest first.
SELECT id FROM users WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: list_tasks_before(before, most) :many
-- The ids of tasks before an id, newest first.
SELECT id FROM tasks WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: list_projects_before(before, most) :many
-- The ids of projects before an id, newest first.
SELECT id FROM projects WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: list_files_before(before, most) :many
-- The ids of files before an id, newest first.
SELECT id FROM files WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: note_rebuild(kind, before) :exec
-- Begin a rebuild, or note the id to continue before.
INSERT INTO search_rebuilds (kind, before) VALUES ($1, $2)
ON CONFLICT ON CONSTRAINT search_rebuilds_pkey DO UPDATE SET before = excluded.before;

-- name: end_rebuild(kind) :exec
-- Note that the rebuild of a kind is complete.
DELETE FROM search_rebuilds WHERE kind = $1;

-- name: fill_posts() :exec
-- Index posts that were loaded in bulk, for which there are no events.
INSERT INTO post_documents (post_id, recency, words)
SELECT id, coalesce(position, id), make_words(title, body) FROM posts ORDER BY id
ON CONFLICT ON CONSTRAINT post_documents_pkey DO NOTHING;

-- name: fill_people() :exec
-- Index users who were loaded in bulk.
INSERT INTO person_documents (user_id, words)
SELECT u.id, make_name_words(name_person(u)) FROM users AS u WHERE u.status = 'active'
ON CONFLICT ON CONSTRAINT person_documents_pkey DO NOTHING;

-- name: fill_words() :exec
-- Insert the words of posts and users that were loaded in bulk.
INSERT INTO search_words (word)
SELECT DISTINCT w
FROM (
    SELECT concat_ws(' ', title, body) AS written FROM posts WHERE position IS NOT NULL
    UNION ALL SELECT name_person(u) FROM users AS u WHERE u.status = 'active'
) AS texts
CROSS JOIN LATERAL list_words(texts.written) AS w
ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING;
