-- Conversations: how one is shown to a member, how much of it is unread, and who may write there; and messages.

CREATE OR REPLACE FUNCTION unread_of(conversation_id uuid, last_n bigint, min_n bigint, read_n bigint)
RETURNS TABLE (unread bigint)
LANGUAGE sql STABLE ROWS 1
AS $$
    -- Numbers are without gaps, so that only what was deleted is counted: a partial index has no more than that.
    SELECT $2 - greatest($4, $3 - 1) - count(*)
    FROM messages AS d
    WHERE d.conversation_id = $1 AND d.n > greatest($4, $3 - 1) AND d.deleted_at IS NOT NULL
$$;
COMMENT ON FUNCTION unread_of(uuid, bigint, bigint, bigint) IS 'How many messages a member has not read who has come to `read_n`; deleted ones, and those that are kept no longer, are not counted. Always one row; in FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION level_of(c conversations, m conversation_members) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((m).level, CASE WHEN (c).member_count > 20 THEN 'mentions' ELSE 'all' END)
$$;
COMMENT ON FUNCTION level_of(conversations, conversation_members) IS 'Of what a member is notified: what they chose, or else all; in a group of more than 20 mentions of them.';

CREATE OR REPLACE FUNCTION are_apart(one uuid, other uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    -- Scalars, each by the primary key, whatever a plan expected that is kept from when the table was small.
    SELECT coalesce(
        (SELECT true FROM blocks AS b WHERE b.user_id = $1 AND b.blocked_id = $2),
        (SELECT true FROM blocks AS b WHERE b.user_id = $2 AND b.blocked_id = $1),
        false
    )
$$;
COMMENT ON FUNCTION are_apart(uuid, uuid) IS 'Whether one of two people has blocked the other.';

CREATE OR REPLACE FUNCTION other_of(c conversations, viewer uuid) RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN (c).kind = 'direct' THEN CASE WHEN (c).low_id = $2 THEN (c).high_id ELSE (c).low_id END END
$$;
COMMENT ON FUNCTION other_of(conversations, uuid) IS 'With whom a direct conversation is, seen by one of the two; with oneself: oneself. NULL for groups.';

CREATE OR REPLACE FUNCTION refuse_writing(c conversations, writer uuid) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN (c).kind <> 'direct' OR (c).low_id = (c).high_id THEN NULL
        WHEN are_apart((c).low_id, (c).high_id) THEN 'blocked'
        WHEN (SELECT u.status FROM users AS u WHERE u.id = other_of(c, writer)) IS DISTINCT FROM 'active' THEN 'recipient_gone'
    END
$$;
COMMENT ON FUNCTION refuse_writing(conversations, uuid) IS 'Why a member may not write in a conversation now, as the code of an error; NULL where they may.';

CREATE OR REPLACE FUNCTION reactions_to(message_id uuid, viewer uuid) RETURNS TABLE (reactions json)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT coalesce(json_agg(r.reaction ORDER BY r.first_at, r.emoji), '[]')
    FROM (
        SELECT
            o.emoji, min(o.created_at) AS first_at,
            CASE
                WHEN $2 IS NULL THEN json_build_object('emoji', o.emoji, 'count', count(*))
                ELSE json_build_object('emoji', o.emoji, 'count', count(*), 'mine', bool_or(o.user_id = $2))
            END AS reaction
        FROM message_reactions AS o
        WHERE o.message_id = $1
        GROUP BY o.emoji
    ) AS r
$$;
COMMENT ON FUNCTION reactions_to(uuid, uuid) IS 'The reactions to a message, each emoji once, the first given first; for a viewer with whether one is theirs, for NULL without. Always one row; in FROM, a query takes it in.';

DROP VIEW IF EXISTS message_items;
CREATE VIEW message_items AS
SELECT
    s.id,
    s.conversation_id AS "conversationId",
    s.n,
    person(u) AS author,
    s.body,
    (
        SELECT json_build_object(
            'id', r.id, 'n', r.n, 'author', person(a), 'excerpt', excerpt(r.body), 'deleted', r.deleted_at IS NOT NULL
        )
        FROM messages AS r
        LEFT JOIN users AS a ON a.id = r.author_id
        WHERE r.id = s.reply_to_id AND s.deleted_at IS NULL
    ) AS "replyTo",
    coalesce(
        (
            SELECT json_agg(
                json_build_object(
                    'id', f.id, 'name', f.name, 'type', f.type, 'bytes', f.bytes, 'width', f.width, 'height', f.height,
                    'alt', f.alt, 'url', f.url, 'thumbnailUrl', f.thumbnail_url
                )
                ORDER BY f.position
            )
            FROM uploads AS f
            WHERE f.message_id = s.id AND f.removed_at IS NULL
        ),
        '[]'
    ) AS uploads,
    s.deleted_at IS NOT NULL AS deleted,
    s.version,
    s.created_at AS "createdAt",
    s.edited_at AS "editedAt",
    s.author_id AS "_authorId"
FROM messages AS s
LEFT JOIN users AS u ON u.id = s.author_id;
COMMENT ON VIEW message_items IS 'Messages as the API and the frames show them, but for their reactions; of deleted ones the number, the author and the times.';

CREATE OR REPLACE FUNCTION see_conversation(conversation_id uuid, viewer uuid)
RETURNS TABLE (
    id uuid, kind text, title text, person json, "memberCount" integer, role text, unread bigint, "readN" bigint,
    "lastN" bigint, "minN" bigint, level text, "mutedUntil" timestamptz, "lastMessage" json, seq bigint, version integer,
    "createdAt" timestamptz, "updatedAt" timestamptz, "_position" uuid
)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT
        c.id, c.kind, c.title, person(u), c.member_count, m.role, r.unread, m.read_n, c.last_n, c.min_n,
        level_of(c, m), CASE WHEN m.muted_until > now() THEN m.muted_until END,
        (
            SELECT json_build_object(
                'id', l.id, 'n', l.n, 'author', person(a), 'excerpt', excerpt(l.body), 'createdAt', l.created_at
            )
            FROM (
                SELECT *
                FROM messages AS s
                WHERE s.conversation_id = c.id AND s.n >= c.min_n AND s.deleted_at IS NULL
                ORDER BY s.n DESC
                LIMIT 1
            ) AS l
            LEFT JOIN users AS a ON a.id = l.author_id
        ),
        coalesce((SELECT o.last_seq FROM rooms AS o WHERE o.name = 'conversation:' || c.id), 0),
        c.version, c.created_at, c.updated_at, c.position
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    CROSS JOIN LATERAL unread_of(c.id, c.last_n, c.min_n, m.read_n) AS r
    LEFT JOIN users AS u ON u.id = other_of(c, $2)
    WHERE m.conversation_id = $1 AND m.user_id = $2
$$;
COMMENT ON FUNCTION see_conversation(uuid, uuid) IS 'A conversation as a member sees it, with where its room stands; no row for others. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION describe_message(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(s.body), excerpt(s.body), NULL::uuid
    FROM messages AS s
    WHERE s.id = $1
        AND s.deleted_at IS NULL
        AND (
            SELECT true FROM conversation_members AS m WHERE m.conversation_id = s.conversation_id AND m.user_id = $2
        )
$$;
COMMENT ON FUNCTION describe_message(uuid, uuid) IS 'A message in describe_entity(), for members of its conversation alone.';

CREATE OR REPLACE FUNCTION describe_conversation(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(c.title, display_name(u)), NULL::text, NULL::uuid
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    LEFT JOIN users AS u ON u.id = other_of(c, $2)
    WHERE m.conversation_id = $1 AND m.user_id = $2
$$;
COMMENT ON FUNCTION describe_conversation(uuid, uuid) IS 'A conversation in describe_entity(), for its members alone: its title, or with whom it is.';

CREATE OR REPLACE FUNCTION chain_message(entity_id uuid)
RETURNS TABLE (part_type text, part_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT 'conversation', s.conversation_id FROM messages AS s WHERE s.id = $1
$$;
COMMENT ON FUNCTION chain_message(uuid) IS 'What a message belongs to, in chain_entity(): its conversation.';

SELECT gather_kinds();
