-- Messages and the reactions to them; only this file writes them. Inserting a message also sets its conversation's last_n and
-- position, and its author's marks.

-- name: send_message(message_id, conversation_id, author_id, body, reply_to_id, usernames, context) :one
-- Insert a message with the next number into a conversation that the caller has locked; the author has read up to it. No row if
-- the author is not a member. `message_id` NULL: a new id. Nothing is inserted if `refusal` is set (an error code), if
-- `isKnown` (a message with this id exists), or if `isAnswerable` is false (`reply_to_id` is not a message of this
-- conversation). The event's mentionedIds are the named users; only members are notified. `toldN`: the message whose
-- notification is now obsolete for the author.
WITH place AS MATERIALIZED (
    SELECT c.id, c.last_n + 1 AS n, refuse_writing(c, $3) AS refusal
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    WHERE m.conversation_id = $2 AND m.user_id = $3
),
known AS (
    SELECT s.id FROM messages AS s WHERE s.id = $1
),
answered AS (
    SELECT s.id FROM messages AS s WHERE s.id = $5 AND s.conversation_id = $2 AND s.deleted_at IS NULL
),
written AS (
    INSERT INTO messages (id, conversation_id, n, author_id, body, reply_to_id, words)
    SELECT coalesce($1, uuidv7()), p.id, p.n, $3, $4, $5, make_words(NULL, $4)
    FROM place AS p
    WHERE p.refusal IS NULL
        AND NOT EXISTS (SELECT FROM known)
        AND ($5::uuid IS NULL OR EXISTS (SELECT FROM answered))
    RETURNING id, conversation_id, n
),
moved AS (
    UPDATE conversations AS c SET last_n = w.n, position = uuidv7() FROM written AS w WHERE c.id = w.conversation_id
),
seen AS (
    UPDATE conversation_members AS m
    SET read_n = w.n, delivered_n = w.n
    FROM written AS w
    -- The old row, locked: RETURNING can return old values only from PostgreSQL 18 on.
    CROSS JOIN LATERAL (
        SELECT o.read_n
        FROM conversation_members AS o
        WHERE o.conversation_id = w.conversation_id AND o.user_id = $3
        FOR NO KEY UPDATE
    ) AS was
    WHERE m.conversation_id = w.conversation_id AND m.user_id = $3
    RETURNING CASE WHEN m.notified_n > was.read_n THEN m.notified_n END AS told_n
)
SELECT
    p.refusal, EXISTS (SELECT FROM known) AS "isKnown", $5::uuid IS NULL OR EXISTS (SELECT FROM answered) AS "isAnswerable",
    w.id, w.n, (SELECT told_n FROM seen) AS "toldN",
    CASE WHEN w.id IS NOT NULL THEN emit(
        'message.created', $3, 'message', w.id,
        jsonb_build_object(
            'conversationId', w.conversation_id, 'n', w.n,
            'mentionedIds', CASE WHEN cardinality($6::citext[]) > 0 THEN find_named($6) ELSE '[]' END
        ),
        $7, w.conversation_id
    ) END AS "_eventId"
FROM place AS p
LEFT JOIN written AS w ON true;

-- name: get_message(message_id, viewer_id) :one
-- One message, or its placeholder if deleted, for the members of its conversation. `_owns`: whether the viewer is an owner of
-- the conversation.
SELECT i.*, r.reactions, m.role = 'owner' AS "_owns"
FROM message_items AS i
CROSS JOIN LATERAL reactions_to(i.id, $2) AS r
INNER JOIN conversation_members AS m ON m.conversation_id = i."conversationId" AND m.user_id = $2
WHERE i.id = $1;

-- name: render_messages(ids) :many
-- Messages as the room of their conversation shows them to everyone now.
SELECT i.*, r.reactions, ARRAY['conversation:' || i."conversationId"] AS "_rooms"
FROM message_items AS i
CROSS JOIN LATERAL reactions_to(i.id, NULL) AS r
WHERE i.id = ANY($1::uuid[]) AND NOT i.deleted;

-- name: list_before(conversation_id, viewer_id, before, most) :many
-- The messages before a number, newest first, including placeholders of deleted ones. The viewer is a member.
SELECT i.*, r.reactions
FROM message_items AS i
CROSS JOIN LATERAL reactions_to(i.id, $2) AS r
WHERE i."conversationId" = $1 AND i.n < $3
ORDER BY i.n DESC
LIMIT $4;

-- name: list_after(conversation_id, viewer_id, after, most) :many
-- The messages after a number, in order. The viewer is a member.
SELECT i.*, r.reactions
FROM message_items AS i
CROSS JOIN LATERAL reactions_to(i.id, $2) AS r
WHERE i."conversationId" = $1 AND i.n > $3
ORDER BY i.n
LIMIT $4;

-- name: get_author(conversation_id, n) :one
-- The author of the message with a number; no row if it is deleted.
SELECT s.author_id AS "authorId" FROM messages AS s WHERE s.conversation_id = $1 AND s.n = $2 AND s.deleted_at IS NULL;

-- name: find_told(conversation_id, n, user_id) :value
-- The unread notification of a user for the message with a number. Run it after the statement that locked the member's row,
-- because a transaction that notifies the member holds that lock.
SELECT o.id
FROM messages AS s
INNER JOIN notifications AS o ON o.receiver_id = $3 AND o.once_key = 'message:' || s.id
WHERE s.conversation_id = $1 AND s.n = $2 AND o.is_unread;

-- name: lock_message(message_id) :exec
-- Lock a message before a change that depends on its current state.
SELECT FROM messages WHERE id = $1 FOR NO KEY UPDATE;

-- name: find_refusal(conversation_id, writer_id) :value
-- The reason why a member may not write in a conversation now, as an error code; NULL if they may.
SELECT refuse_writing(c, $2) FROM conversations AS c WHERE c.id = $1;

-- name: update_message(message_id, body) :exec
-- Change the text of a message that the caller has locked.
UPDATE messages
SET body = $2, words = make_words(NULL, $2), version = version + 1, edited_at = clock_timestamp()
WHERE id = $1;

-- name: delete_message(message_id) :value
-- Erase a message that the caller has locked, except its number and author, with its reactions, and blank stored responses that
-- show it. Its files are removed by sql/uploads.sql. Returns the newest number of its conversation.
WITH reactions AS (
    DELETE FROM message_reactions WHERE message_id = $1
),
blanked AS (
    -- Keep the keys, so that a retry does not create the message again.
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
UPDATE messages AS s
SET body = NULL, words = NULL, reply_to_id = NULL, deleted_at = clock_timestamp(), version = version + 1
WHERE s.id = $1
RETURNING (SELECT c.last_n FROM conversations AS c WHERE c.id = s.conversation_id);

-- name: add_reaction(message_id, user_id, emoji, most) :one
-- Add a reaction to a message that the caller has locked, once for each user and emoji. `isFull`: the message already has
-- `most` other emoji, and nothing is added.
WITH kinds AS (
    SELECT count(DISTINCT r.emoji) FILTER (WHERE r.emoji <> $3) >= $4 AS full FROM message_reactions AS r WHERE r.message_id = $1
),
added AS (
    INSERT INTO message_reactions (message_id, user_id, emoji)
    SELECT $1, $2, $3 FROM kinds WHERE NOT kinds.full
    ON CONFLICT ON CONSTRAINT message_reactions_pkey DO NOTHING
    RETURNING message_id
)
SELECT kinds.full AS "isFull", EXISTS (SELECT FROM added) AS "isNew" FROM kinds;

-- name: remove_reaction(message_id, user_id, emoji) :value
-- Remove a reaction; true if there was one, else NULL.
DELETE FROM message_reactions WHERE message_id = $1 AND user_id = $2 AND emoji = $3 RETURNING true;

-- name: delete_reactions_of(user_id) :exec
-- Delete the reactions of a user who leaves.
DELETE FROM message_reactions WHERE user_id = $1;

-- name: plan_anew() :value
-- Force custom plans until the transaction ends: a generic plan would scan a conversation backwards even for a word that occurs
-- nowhere.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: read_search(text) :one!
-- Parse a search text into the queries for matching and for highlighting, which the search statements take as values, so that
-- they are planned for them and parsed only once.
SELECT make_query($1)::text AS wanted, make_query($1, true)::text AS marks;

-- name: search_one(conversation_id, viewer_id, wanted, marks, before, most) :many
-- Messages of one conversation that match, before a number, newest first. The viewer is a member.
WITH page AS MATERIALIZED (
    SELECT s.id, s.n, s.body
    FROM messages AS s
    WHERE s.conversation_id = $1 AND s.n < $5 AND s.words @@ $3::text::tsquery
    ORDER BY s.n DESC
    LIMIT $6
)
SELECT i.*, r.reactions, highlight(page.body, $3::text::tsquery, $4::text::tsquery) AS highlight
FROM page
CROSS JOIN LATERAL (SELECT * FROM message_items WHERE message_items.id = page.id OFFSET 0) AS i
CROSS JOIN LATERAL reactions_to(i.id, $2) AS r
ORDER BY page.n DESC;

-- name: search_all(viewer_id, wanted, marks, before_time, before, most) :many
-- Messages of all conversations of a user that match, newest first, before a position (time, id).
WITH page AS MATERIALIZED (
    SELECT s.id, s.created_at, s.body
    FROM messages AS s
    WHERE s.conversation_id = ANY(ARRAY(SELECT m.conversation_id FROM conversation_members AS m WHERE m.user_id = $1))
        AND s.words @@ $2::text::tsquery
        AND (s.created_at, s.id) < ($4, $5)
    ORDER BY s.created_at DESC, s.id DESC
    LIMIT $6
)
SELECT i.*, r.reactions, highlight(page.body, $2::text::tsquery, $3::text::tsquery) AS highlight
FROM page
CROSS JOIN LATERAL (SELECT * FROM message_items WHERE message_items.id = page.id OFFSET 0) AS i
CROSS JOIN LATERAL reactions_to(i.id, $1) AS r
ORDER BY page.created_at DESC, page.id DESC;

-- name: claim_outdated(days) :one
-- A conversation whose oldest message is more than `days` days old, locked. SKIP LOCKED: two workers take different ones.
SELECT c.id
FROM conversations AS c
WHERE c.last_n >= c.min_n
    -- A scalar subquery: for EXISTS the planner would read all messages.
    AND (
        SELECT s.created_at FROM messages AS s WHERE s.conversation_id = c.id AND s.n = c.min_n
    ) < now() - make_interval(days => $1)
LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED;

-- name: claim_empty() :one
-- A conversation without members, locked; SKIP LOCKED as in claim_outdated.
SELECT c.id FROM conversations AS c WHERE c.member_count = 0 LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: drop_oldest(conversation_id, days, most) :value
-- Delete up to `most` of the oldest messages of a conversation that the caller has locked, if they are more than `days` days
-- old (NULL: of any age), and move min_n past them. Their files then belong to no message and are removed with other unused
-- uploads. Returns the number of rows.
WITH old AS MATERIALIZED (
    SELECT s.id, s.n
    FROM messages AS s
    INNER JOIN conversations AS c ON c.id = s.conversation_id
    WHERE s.conversation_id = $1
        AND s.n >= c.min_n
        AND s.n < c.min_n + $3
        AND ($2::integer IS NULL OR s.created_at < now() - make_interval(days => $2))
),
blanked AS (
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL FROM old WHERE k.entity_id = old.id
),
gone AS (
    DELETE FROM messages AS s USING old WHERE s.id = old.id
),
begun AS (
    UPDATE conversations AS c
    SET min_n = greatest(c.min_n, (SELECT max(old.n) + 1 FROM old))
    WHERE c.id = $1 AND EXISTS (SELECT FROM old)
)
SELECT count(*) FROM old;

-- name: export_messages(user_id) :many
-- A user's messages, for their export.
SELECT
    s.id, s.conversation_id AS "conversationId", s.n, s.body, s.reply_to_id AS "replyToId", s.created_at AS "createdAt",
    s.edited_at AS "editedAt"
FROM messages AS s
WHERE s.author_id = $1 AND s.deleted_at IS NULL
ORDER BY s.conversation_id, s.n;

-- name: export_reactions(user_id) :many
-- A user's reactions to messages, for their export.
SELECT message_id AS "messageId", emoji, created_at AS "createdAt"
FROM message_reactions
WHERE user_id = $1
ORDER BY created_at, message_id;
