-- Conversations and their members: the one file that writes them, but for what a message moves there (sql/messages.sql: the
-- newest number, the place in lists, its author's marks). Whoever changes who is in one locks the conversation first, in a
-- statement of its own; a message is written under the same lock, so that nobody writes who has just been taken out.

-- name: open_direct(user_id, other_id) :one
-- The direct conversation of two people, or of one with themselves: a new one, or the one that they have. `_made`: whether it
-- is new, with its first members. The other must be active. No row where one of them has blocked the other, but that there is
-- one already.
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
-- Those of some people who cannot be brought together with a person: there is no active one of the id, or one of the two has
-- blocked the other.
SELECT w.id, NOT coalesce((SELECT u.status = 'active' FROM users AS u WHERE u.id = w.id), false) AS "isMissing"
FROM unnest($2::uuid[]) AS w (id)
WHERE NOT coalesce((SELECT u.status = 'active' FROM users AS u WHERE u.id = w.id), false) OR are_apart($1, w.id);

-- name: create_group(title, owner_id, user_ids) :value
-- A group of its owner and others, each once; returns its id.
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
-- Before a message or a change of members. Behind it a statement sees what others did.
SELECT FROM conversations WHERE id = $1 FOR NO KEY UPDATE;

-- name: get_conversation(conversation_id, viewer_id) :one
-- One conversation, for its members.
SELECT s.* FROM see_conversation($1, $2) AS s;

-- name: list_conversations(viewer_id, before, most) :many
-- A person's conversations, the one with the newest message first.
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
-- What a person has not read: messages, and in how many conversations; without those that they have muted.
SELECT coalesce(sum(r.unread), 0)::bigint AS messages, count(*) AS conversations
FROM conversation_members AS m
CROSS JOIN LATERAL (SELECT * FROM conversations AS o WHERE o.id = m.conversation_id OFFSET 0) AS c
CROSS JOIN LATERAL unread_of(c.id, c.last_n, c.min_n, m.read_n) AS r
-- What can have none is not looked into.
WHERE m.user_id = $1 AND c.last_n > m.read_n AND (m.muted_until IS NULL OR m.muted_until <= now()) AND r.unread > 0;

-- name: update_conversation(conversation_id, title) :exec
-- Change the title of a group, which is locked.
UPDATE conversations SET title = $2, version = version + 1, updated_at = now() WHERE id = $1;

-- name: render_conversations(ids) :many
-- Conversations as their rooms see them now.
SELECT
    c.id, c.kind, c.title, c.member_count AS "memberCount", c.last_n AS "lastN", c.min_n AS "minN", c.version,
    c.created_at AS "createdAt", c.updated_at AS "updatedAt", ARRAY['conversation:' || c.id] AS "_rooms"
FROM conversations AS c
WHERE c.id = ANY($1::uuid[]) AND c.member_count > 0;

-- name: is_member(conversation_id, user_id) :value
-- Whether a person is in a conversation.
SELECT coalesce((SELECT true FROM conversation_members AS m WHERE m.conversation_id = $1 AND m.user_id = $2), false);

-- name: list_watchers(ids, user_ids, sees_all) :many
-- Where, in these arrays, a person is in a conversation; or it has ended, which they are shown. Nobody sees all.
SELECT g.place::integer
FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) WITH ORDINALITY AS g (conversation_id, user_id, sees_all, place)
WHERE (SELECT true FROM conversation_members AS m WHERE m.conversation_id = g.conversation_id AND m.user_id = g.user_id);

-- name: list_memberships(user_ids) :many
-- In which conversations these people are.
SELECT m.user_id, m.conversation_id FROM conversation_members AS m WHERE m.user_id = ANY($1::uuid[]);

-- name: find_writable(conversation_id, user_id) :one
-- How many are in a conversation of a person, and why they may not write there now.
SELECT c.member_count AS "memberCount", refuse_writing(c, $2) AS refusal
FROM conversation_members AS m
INNER JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.conversation_id = $1 AND m.user_id = $2;

-- name: list_members(conversation_id, after, most) :many
-- The members of a conversation behind an id.
SELECT person(u) AS user, m.role, m.joined_at AS "joinedAt", m.user_id AS "_userId"
FROM conversation_members AS m
INNER JOIN users AS u ON u.id = m.user_id
WHERE m.conversation_id = $1 AND m.user_id > $2
ORDER BY m.user_id
LIMIT $3;

-- name: get_member(conversation_id, user_id) :one
-- A person who is in a conversation, or could be: then `role` is NULL.
SELECT person(u) AS user, m.role, m.joined_at AS "joinedAt"
FROM users AS u
LEFT JOIN conversation_members AS m ON m.conversation_id = $1 AND m.user_id = u.id
WHERE u.id = $2 AND (u.status = 'active' OR m.role IS NOT NULL);

-- name: add_member(conversation_id, user_id, role) :exec
-- A person is in a conversation, which is locked, from its next message on.
WITH grown AS (
    UPDATE conversations SET member_count = member_count + 1 WHERE id = $1 RETURNING id, last_n
)
INSERT INTO conversation_members (conversation_id, user_id, role, read_n, delivered_n)
SELECT id, $2, $3, last_n, last_n FROM grown;

-- name: set_role(conversation_id, user_id, role) :exec
-- Another role for a member of a conversation, which is locked.
UPDATE conversation_members SET role = $3 WHERE conversation_id = $1 AND user_id = $2;

-- name: remove_member(conversation_id, user_id) :one!
-- Take a member out of a conversation, which is locked. Where no owner remains, the eldest active member becomes one: `heirId`.
-- `toldN`: the message that they were notified of and have not read.
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
-- Whether a conversation, which is locked, has an owner beside this person.
SELECT EXISTS (SELECT FROM conversation_members AS m WHERE m.conversation_id = $1 AND m.user_id <> $2 AND m.role = 'owner');

-- name: end_conversation(conversation_id) :exec
-- Nobody is in a conversation, which is locked, any more, nor is it that of two people; it is purged later.
WITH gone AS (
    DELETE FROM conversation_members WHERE conversation_id = $1
),
blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
UPDATE conversations SET member_count = 0, low_id = NULL, high_id = NULL WHERE id = $1;

-- name: drop_conversation(conversation_id) :exec
-- Remove a conversation whose messages have gone before.
DELETE FROM conversations WHERE id = $1;

-- name: lock_conversations_of(user_id) :exec
-- The conversations of a person who leaves, locked in one order whoever leaves.
SELECT
FROM conversations
WHERE id IN (SELECT m.conversation_id FROM conversation_members AS m WHERE m.user_id = $1)
ORDER BY id
FOR NO KEY UPDATE;

-- name: forget_member(user_id) :many
-- A person who leaves is in none of their conversations, which are locked. Where no owner remains, the eldest active member
-- becomes one: `heirId`.
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
-- How far a person has come in a conversation: messages up to `n`, as far as there are, have been read, or else a device has
-- had them. It only goes on. `moved`: whether it did; `toldN`: the message of whose notification there is no need any more.
WITH place AS (
    SELECT c.id, least($3, c.last_n) AS n, c.member_count
    FROM conversations AS c
    WHERE c.id = $1
),
marked AS (
    UPDATE conversation_members AS m
    SET read_n = CASE WHEN $4::boolean THEN greatest(m.read_n, p.n) ELSE m.read_n END, delivered_n = greatest(m.delivered_n, p.n)
    FROM place AS p
    -- As it was, locked: RETURNING knows the old row only from PostgreSQL 18 on.
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
-- How many of those who are active, but for the author of a message, have it, and have read it.
SELECT
    count(*) AS people,
    count(*) FILTER (WHERE m.delivered_n >= $2) AS delivered,
    count(*) FILTER (WHERE m.read_n >= $2) AS read
FROM conversation_members AS m
INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
WHERE m.conversation_id = $1 AND m.user_id IS DISTINCT FROM $3;

-- name: list_receipts(conversation_id, n, author_id, after, most) :many
-- Which of them have it, and have read it.
SELECT person(u) AS user, m.delivered_n >= $2 AS delivered, m.read_n >= $2 AS read, m.user_id AS "_userId"
FROM conversation_members AS m
INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
WHERE m.conversation_id = $1 AND m.user_id IS DISTINCT FROM $3 AND m.user_id > $4
ORDER BY m.user_id
LIMIT $5;

-- name: save_settings(conversation_id, user_id, level, muted_until) :one
-- Of what a member is notified, and until when of nothing.
UPDATE conversation_members AS m
SET level = coalesce($3, m.level), muted_until = $4
FROM conversations AS c
WHERE m.conversation_id = $1 AND m.user_id = $2 AND c.id = $1
RETURNING level_of(c, m) AS level, m.muted_until AS "mutedUntil";

-- name: list_to_notify(after, most, conversation_id, n, author_id, mentioned_ids) :many
-- Members who are notified of a message that has waited for them, in the order of their ids, and are noted as such: once for
-- each time that they are away. Not those who have read it, have blocked its author, or are told of less. None of what has
-- been deleted since.
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
    -- By both columns of what was found: with $3 all members would be read for each.
    WHERE m.conversation_id = f.conversation_id AND m.user_id = f.user_id
)
SELECT user_id AS receiver_id FROM concerned ORDER BY user_id;

-- name: forget_told(conversation_id, n, most) :many
-- Members who were notified of a message, `toldN`, and have nothing to read now that message `n` is deleted: they are told of the
-- next one. In the order of their ids, up to `most`. Whoever is far behind is not looked at: there is something to read.
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
-- The conversations of a person, in their export.
SELECT
    c.id, c.kind, m.role, m.read_n AS "readN", level_of(c, m) AS level, m.muted_until AS "mutedUntil",
    m.joined_at AS "joinedAt"
FROM conversation_members AS m
INNER JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = $1
ORDER BY c.id;

-- name: block(user_id, blocked_id, context) :one
-- Block a person: the user hears nothing from them from now on. No row where there is no such person.
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
-- Take a block back.
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
-- Whether a person has blocked another one.
SELECT coalesce((SELECT true FROM blocks AS b WHERE b.user_id = $1 AND b.blocked_id = $2), false) AS blocked
FROM users AS u
WHERE u.id = $2 AND u.status <> 'deleted';

-- name: delete_blocks(user_id) :exec
-- Remove the blocks by and of a person who leaves.
DELETE FROM blocks WHERE user_id = $1 OR blocked_id = $1;

-- name: export_blocks(user_id) :many
-- Whom a person has blocked.
SELECT blocked_id AS "userId", created_at AS "createdAt" FROM blocks WHERE user_id = $1 ORDER BY created_at;
