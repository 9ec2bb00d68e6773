-- Conversations and their members. Only this file writes them, except the columns that a message moves (last_n, position, its
-- author's marks: sql/messages.sql). Before members change, lock the conversation by a separate statement; messages are
-- inserted under the same lock, so that a removed member cannot write any more.

-- name: open_direct(user_id, other_id) :one
-- Find or create the direct conversation of two users, or of a user with themselves. `_made` is true if it is new, with its
-- members. The other user must be active. No row if one has blocked the other and there is no conversation yet.
WITH pair AS (
    SELECT least($1::uuid, $2::uuid) AS low_id, greatest($1::uuid, $2::uuid) AS high_id
),
made AS (
    INSERT INTO conversations (kind, low_id, high_id, member_count)
    SELECT 'direct', p.low_id, p.high_id, CASE WHEN p.low_id = p.high_id THEN 1 ELSE 2 END
    FROM pair AS p
    INNER JOIN users AS u ON u.id = $2 AND u.status = 'active'
    WHERE NOT are_apart($1, $2)
    ON CONFLICT (low_id, high_id) WHERE kind = 'direct' DO NOTHING
    RETURNING id
),
joined AS (
    INSERT INTO conversation_members (conversation_id, user_id, role)
    SELECT made.id, w.user_id, CASE WHEN $1::uuid = $2::uuid THEN 'owner' ELSE 'member' END
    FROM made
    CROSS JOIN (SELECT $1::uuid AS user_id UNION SELECT $2::uuid) AS w
)
SELECT made.id, true AS "_made" FROM made
UNION ALL
SELECT c.id, false
FROM conversations AS c
INNER JOIN pair AS p ON p.low_id = c.low_id AND p.high_id = c.high_id
WHERE c.kind = 'direct' AND NOT EXISTS (SELECT FROM made);

-- name: list_unwelcome(user_id, user_ids) :many
-- The users among `user_ids` who cannot be in a conversation with `user_id`: `isMissing` if there is no active user with this
-- id, otherwise one has blocked the other.
SELECT w.id, NOT coalesce((SELECT u.status = 'active' FROM users AS u WHERE u.id = w.id), false) AS "isMissing"
FROM unnest($2::uuid[]) AS w (id)
WHERE NOT coalesce((SELECT u.status = 'active' FROM users AS u WHERE u.id = w.id), false) OR are_apart($1, w.id);

-- name: create_group(title, owner_id, user_ids) :value
-- Insert a group with its owner and other members; duplicate ids count once. Returns the group's id.
WITH people AS (
    SELECT $2::uuid AS user_id, 'owner' AS role
    UNION
    SELECT w.id, 'member' FROM unnest($3::uuid[]) AS w (id) WHERE w.id <> $2
),
made AS (
    INSERT INTO conversations (kind, title, member_count) SELECT 'group', $1, count(*) FROM people
    RETURNING id
)
INSERT INTO conversation_members (conversation_id, user_id, role)
SELECT made.id, p.user_id, p.role
FROM made
CROSS JOIN people AS p
RETURNING conversation_id;

-- name: lock_conversation(conversation_id) :exec
-- Lock a conversation before a message is written or members change; a later statement sees what concurrent transactions
-- committed.
SELECT FROM conversations WHERE id = $1 FOR NO KEY UPDATE;

-- name: get_conversation(conversation_id, viewer_id) :one
-- One conversation as a member sees it; no row if the viewer is not a member.
SELECT s.* FROM see_conversation($1, $2) AS s;

-- name: list_conversations(viewer_id, before, most) :many
-- A user's conversations, the one with the newest message first.
SELECT s.*
FROM (
    SELECT m.conversation_id, c.position
    FROM conversation_members AS m
    CROSS JOIN LATERAL (SELECT o.position FROM conversations AS o WHERE o.id = m.conversation_id OFFSET 0) AS c
    WHERE m.user_id = $1 AND c.position < $2
    ORDER BY c.position DESC
    LIMIT $3
) AS found
CROSS JOIN LATERAL (SELECT * FROM see_conversation(found.conversation_id, $1) OFFSET 0) AS s
ORDER BY found.position DESC;

-- name: count_unread(viewer_id) :one!
-- A user's unread messages, and the number of conversations that have some; without muted conversations.
SELECT coalesce(sum(r.unread), 0)::bigint AS messages, count(*) AS conversations
FROM conversation_members AS m
CROSS JOIN LATERAL (SELECT * FROM conversations AS o WHERE o.id = m.conversation_id OFFSET 0) AS c
CROSS JOIN LATERAL unread_of(c.id, c.last_n, c.min_n, m.read_n) AS r
-- Compare numbers first, so that a conversation without unread messages is not scanned.
WHERE m.user_id = $1 AND c.last_n > m.read_n AND (m.muted_until IS NULL OR m.muted_until <= now()) AND r.unread > 0;

-- name: update_conversation(conversation_id, title) :exec
-- Change the title of a group that the caller has locked.
UPDATE conversations SET title = $2, version = version + 1, updated_at = now() WHERE id = $1;

-- name: render_conversations(ids) :many
-- Conversations as their rooms show them now.
SELECT
    c.id, c.kind, c.title, c.member_count AS "memberCount", c.last_n AS "lastN", c.min_n AS "minN", c.version,
    c.created_at AS "createdAt", c.updated_at AS "updatedAt", ARRAY['conversation:' || c.id] AS "_rooms"
FROM conversations AS c
WHERE c.id = ANY($1::uuid[]) AND c.member_count > 0;

-- name: is_member(conversation_id, user_id) :value
-- Whether a user is a member of a conversation.
SELECT coalesce((SELECT true FROM conversation_members AS m WHERE m.conversation_id = $1 AND m.user_id = $2), false);

-- name: list_watchers(ids, user_ids, sees_all) :many
-- The positions, in these arrays, at which the user is a member of the conversation. `sees_all` is ignored: no role sees every
-- conversation.
SELECT g.place::integer
FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) WITH ORDINALITY AS g (conversation_id, user_id, sees_all, place)
WHERE (SELECT true FROM conversation_members AS m WHERE m.conversation_id = g.conversation_id AND m.user_id = g.user_id);

-- name: list_memberships(user_ids) :many
-- The conversations of these users.
SELECT m.user_id, m.conversation_id FROM conversation_members AS m WHERE m.user_id = ANY($1::uuid[]);

-- name: find_writable(conversation_id, user_id) :one
-- The number of members of a user's conversation, and the reason why the user may not write in it now (NULL if they may).
SELECT c.member_count AS "memberCount", refuse_writing(c, $2) AS refusal
FROM conversation_members AS m
INNER JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.conversation_id = $1 AND m.user_id = $2;

-- name: list_members(conversation_id, after, most) :many
-- The members of a conversation after an id.
SELECT person(u) AS user, m.role, m.joined_at AS "joinedAt", m.user_id AS "_userId"
FROM conversation_members AS m
INNER JOIN users AS u ON u.id = m.user_id
WHERE m.conversation_id = $1 AND m.user_id > $2
ORDER BY m.user_id
LIMIT $3;

-- name: get_member(conversation_id, user_id) :one
-- A user who is a member of a conversation, or an active one who could become one; `role` is NULL then.
SELECT person(u) AS user, m.role, m.joined_at AS "joinedAt"
FROM users AS u
LEFT JOIN conversation_members AS m ON m.conversation_id = $1 AND m.user_id = u.id
WHERE u.id = $2 AND (u.status = 'active' OR m.role IS NOT NULL);

-- name: add_member(conversation_id, user_id, role) :exec
-- Add a member to a conversation that the caller has locked; the messages before count as read.
WITH grown AS (
    UPDATE conversations SET member_count = member_count + 1 WHERE id = $1 RETURNING id, last_n
)
INSERT INTO conversation_members (conversation_id, user_id, role, read_n, delivered_n)
SELECT id, $2, $3, last_n, last_n FROM grown;

-- name: set_role(conversation_id, user_id, role) :exec
-- Change the role of a member of a conversation that the caller has locked.
UPDATE conversation_members SET role = $3 WHERE conversation_id = $1 AND user_id = $2;

-- name: remove_member(conversation_id, user_id) :one!
-- Remove a member from a conversation that the caller has locked. If no owner remains, the active member who joined first
-- becomes owner: `heirId`. `toldN`: the unread message that the removed member was notified of.
WITH gone AS (
    DELETE FROM conversation_members WHERE conversation_id = $1 AND user_id = $2
    RETURNING role, CASE WHEN notified_n > read_n THEN notified_n END AS told_n
),
counted AS (
    UPDATE conversations AS c
    SET member_count = c.member_count - 1
    FROM gone
    WHERE c.id = $1
    RETURNING c.member_count
),
heir AS (
    UPDATE conversation_members AS m
    SET role = 'owner'
    FROM (
        SELECT o.conversation_id, o.user_id
        FROM conversation_members AS o
        INNER JOIN users AS u ON u.id = o.user_id AND u.status = 'active'
        WHERE o.conversation_id = $1 AND o.user_id <> $2
        ORDER BY o.joined_at, o.user_id
        LIMIT 1
    ) AS eldest
    WHERE m.conversation_id = eldest.conversation_id
        AND m.user_id = eldest.user_id
        AND (SELECT g.role FROM gone AS g) = 'owner'
        AND NOT EXISTS (
            SELECT FROM conversation_members AS o WHERE o.conversation_id = $1 AND o.user_id <> $2 AND o.role = 'owner'
        )
    RETURNING m.user_id
)
SELECT
    (SELECT member_count FROM counted) AS "memberCount",
    (SELECT user_id FROM heir) AS "heirId",
    (SELECT told_n FROM gone) AS "toldN";

-- name: has_other_owner(conversation_id, user_id) :value
-- Whether a conversation that the caller has locked has an owner other than this user.
SELECT EXISTS (SELECT FROM conversation_members AS m WHERE m.conversation_id = $1 AND m.user_id <> $2 AND m.role = 'owner');

-- name: end_conversation(conversation_id) :exec
-- Remove all members of a conversation that the caller has locked, and its pair of users if it is direct; a worker purges it
-- later.
WITH gone AS (
    DELETE FROM conversation_members WHERE conversation_id = $1
),
blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
UPDATE conversations SET member_count = 0, low_id = NULL, high_id = NULL WHERE id = $1;

-- name: drop_conversation(conversation_id) :exec
-- Delete a conversation whose messages are already deleted.
DELETE FROM conversations WHERE id = $1;

-- name: lock_conversations_of(user_id) :exec
-- Lock the conversations of a user who leaves, in id order.
SELECT
FROM conversations
WHERE id IN (SELECT m.conversation_id FROM conversation_members AS m WHERE m.user_id = $1)
ORDER BY id
FOR NO KEY UPDATE;

-- name: forget_member(user_id) :many
-- Remove a user who leaves from all of their conversations, which the caller has locked. If no owner remains in one, the active
-- member who joined first becomes owner: `heirId`.
WITH gone AS (
    DELETE FROM conversation_members WHERE user_id = $1 RETURNING conversation_id, role
),
counted AS (
    UPDATE conversations AS c SET member_count = c.member_count - 1 FROM gone AS g WHERE c.id = g.conversation_id
),
heirs AS (
    SELECT g.conversation_id, h.user_id
    FROM gone AS g
    CROSS JOIN LATERAL (
        SELECT m.user_id
        FROM conversation_members AS m
        INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
        WHERE m.conversation_id = g.conversation_id AND m.user_id <> $1
        ORDER BY m.joined_at, m.user_id
        LIMIT 1
    ) AS h
    WHERE g.role = 'owner'
        AND NOT EXISTS (
            SELECT
            FROM conversation_members AS o
            WHERE o.conversation_id = g.conversation_id AND o.user_id <> $1 AND o.role = 'owner'
        )
),
promoted AS (
    UPDATE conversation_members AS m
    SET role = 'owner'
    FROM heirs AS h
    WHERE m.conversation_id = h.conversation_id AND m.user_id = h.user_id
)
SELECT g.conversation_id AS "conversationId", h.user_id AS "heirId"
FROM gone AS g
LEFT JOIN heirs AS h ON h.conversation_id = g.conversation_id
ORDER BY g.conversation_id;

-- name: mark_read(conversation_id, user_id, n, read) :one
-- Mark messages up to `n` (at most the newest) as read, or if `read` is false as delivered to a device. Marks never move back.
-- `_moved`: whether the mark moved; `_toldN`: the message whose notification is now obsolete.
WITH place AS (
    SELECT c.id, least($3, c.last_n) AS n, c.member_count
    FROM conversations AS c
    WHERE c.id = $1
),
marked AS (
    UPDATE conversation_members AS m
    SET read_n = CASE WHEN $4::boolean THEN greatest(m.read_n, p.n) ELSE m.read_n END, delivered_n = greatest(m.delivered_n, p.n)
    FROM place AS p
    -- The old row, locked: RETURNING can return old values only from PostgreSQL 18 on.
    CROSS JOIN LATERAL (
        SELECT o.read_n
        FROM conversation_members AS o
        WHERE o.conversation_id = p.id AND o.user_id = $2
        FOR NO KEY UPDATE
    ) AS was
    WHERE m.conversation_id = p.id
        AND m.user_id = $2
        AND p.n > CASE WHEN $4::boolean THEN m.read_n ELSE m.delivered_n END
    RETURNING
        m.conversation_id, m.user_id, m.read_n, m.delivered_n,
        CASE WHEN m.notified_n > was.read_n AND m.notified_n <= m.read_n THEN m.notified_n END AS told_n
)
SELECT
    coalesce(k.read_n, m.read_n) AS "readN", coalesce(k.delivered_n, m.delivered_n) AS "deliveredN",
    k.user_id IS NOT NULL AS "_moved", k.told_n AS "_toldN", p.member_count AS "_memberCount"
FROM place AS p
INNER JOIN conversation_members AS m ON m.conversation_id = p.id AND m.user_id = $2
LEFT JOIN marked AS k ON true;

-- name: count_receipts(conversation_id, n, author_id) :one!
-- The number of active members other than a message's author, how many of them the message was delivered to, and how many have
-- read it.
SELECT
    count(*) AS people,
    count(*) FILTER (WHERE m.delivered_n >= $2) AS delivered,
    count(*) FILTER (WHERE m.read_n >= $2) AS read
FROM conversation_members AS m
INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
WHERE m.conversation_id = $1 AND m.user_id IS DISTINCT FROM $3;

-- name: list_receipts(conversation_id, n, author_id, after, most) :many
-- The active members other than a message's author, and whether each has received and read it; after an id.
SELECT person(u) AS user, m.delivered_n >= $2 AS delivered, m.read_n >= $2 AS read, m.user_id AS "_userId"
FROM conversation_members AS m
INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
WHERE m.conversation_id = $1 AND m.user_id IS DISTINCT FROM $3 AND m.user_id > $4
ORDER BY m.user_id
LIMIT $5;

-- name: save_settings(conversation_id, user_id, level, muted_until) :one
-- Save of which messages a member is notified (NULL: unchanged), and until when of no message at all.
UPDATE conversation_members AS m
SET level = coalesce($3, m.level), muted_until = $4
FROM conversations AS c
WHERE m.conversation_id = $1 AND m.user_id = $2 AND c.id = $1
RETURNING level_of(c, m) AS level, m.muted_until AS "mutedUntil";

-- name: list_to_notify(after, most, conversation_id, n, author_id, mentioned_ids) :many
-- Members to notify of a message, after an id in id order; records this, so that a member is notified once until they read
-- again. Skips those who have read the message, muted the conversation, chose a lower level, or have blocked the author. No
-- rows if the message has been deleted.
WITH concerned AS MATERIALIZED (
    SELECT m.conversation_id, m.user_id
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    WHERE m.conversation_id = $3
        AND m.user_id > $1
        AND m.user_id IS DISTINCT FROM $5
        AND m.read_n < $4
        AND m.notified_n <= m.read_n
        AND (m.muted_until IS NULL OR m.muted_until <= now())
        AND (level_of(c, m) = 'all' OR (level_of(c, m) = 'mentions' AND m.user_id = ANY($6::uuid[])))
        AND (SELECT true FROM blocks AS b WHERE b.user_id = m.user_id AND b.blocked_id = $5) IS NULL
        AND (SELECT true FROM messages AS s WHERE s.conversation_id = $3 AND s.n = $4 AND s.deleted_at IS NULL)
    ORDER BY m.user_id
    LIMIT $2
    FOR NO KEY UPDATE OF m
),
noted AS (
    UPDATE conversation_members AS m
    SET notified_n = $4
    FROM concerned AS f
    -- Join on both columns: with $3 instead, all members would be read for each row.
    WHERE m.conversation_id = f.conversation_id AND m.user_id = f.user_id
)
SELECT user_id AS receiver_id FROM concerned ORDER BY user_id;

-- name: forget_told(conversation_id, n, most) :many
-- Members who were notified of message `toldN` and have nothing unread now that message `n` is deleted; they will be notified
-- of the next message. In id order, up to `most`. Members more than 100 messages behind are skipped, since some of these are
-- hardly all deleted.
WITH told AS MATERIALIZED (
    SELECT m.conversation_id, m.user_id, m.notified_n
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    CROSS JOIN LATERAL unread_of(c.id, c.last_n, c.min_n, m.read_n) AS r
    WHERE m.conversation_id = $1 AND m.read_n < $2 AND m.notified_n > m.read_n AND c.last_n - m.read_n <= 100 AND r.unread = 0
    ORDER BY m.user_id
    LIMIT $3
    FOR NO KEY UPDATE OF m
),
noted AS (
    UPDATE conversation_members AS m
    SET notified_n = 0
    FROM told AS t
    WHERE m.conversation_id = t.conversation_id AND m.user_id = t.user_id
)
SELECT user_id, notified_n AS "toldN" FROM told ORDER BY user_id;

-- name: export_conversations(user_id) :many
-- A user's conversations, for their export.
SELECT
    c.id, c.kind, m.role, m.read_n AS "readN", level_of(c, m) AS level, m.muted_until AS "mutedUntil",
    m.joined_at AS "joinedAt"
FROM conversation_members AS m
INNER JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = $1
ORDER BY c.id;

-- name: block(user_id, blocked_id, context) :one
-- Block a user. No row if that user does not exist.
WITH person AS (
    SELECT u.id FROM users AS u WHERE u.id = $2 AND u.status <> 'deleted'
),
added AS (
    INSERT INTO blocks (user_id, blocked_id) SELECT $1, p.id FROM person AS p
    ON CONFLICT ON CONSTRAINT blocks_pkey DO NOTHING
    RETURNING blocked_id
)
SELECT
    true AS blocked,
    CASE WHEN a.blocked_id IS NOT NULL THEN emit('user.blocked', $1, 'user', p.id, '{}', $3) END AS "_eventId"
FROM person AS p
LEFT JOIN added AS a ON true;

-- name: unblock(user_id, blocked_id, context) :one
-- Remove a block.
WITH person AS (
    SELECT u.id FROM users AS u WHERE u.id = $2
),
gone AS (
    DELETE FROM blocks WHERE user_id = $1 AND blocked_id = $2 RETURNING blocked_id
)
SELECT
    false AS blocked,
    CASE WHEN g.blocked_id IS NOT NULL THEN emit('user.unblocked', $1, 'user', p.id, '{}', $3) END AS "_eventId"
FROM person AS p
LEFT JOIN gone AS g ON true;

-- name: get_block(user_id, blocked_id) :one
-- Whether a user has blocked another one; no row if the other one does not exist.
SELECT coalesce((SELECT true FROM blocks AS b WHERE b.user_id = $1 AND b.blocked_id = $2), false) AS blocked
FROM users AS u
WHERE u.id = $2 AND u.status <> 'deleted';

-- name: delete_blocks(user_id) :exec
-- Delete the blocks by and of a user who leaves.
DELETE FROM blocks WHERE user_id = $1 OR blocked_id = $1;

-- name: export_blocks(user_id) :many
-- The users whom a user has blocked, for their export.
SELECT blocked_id AS "userId", created_at AS "createdAt" FROM blocks WHERE user_id = $1 ORDER BY created_at;
