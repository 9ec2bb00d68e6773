-- When a person wants to be reached. All of local time is AT TIME ZONE: of an hour that happens twice it takes the second,
-- and a time that is skipped lies as far behind the gap as it would have lain in it.

CREATE OR REPLACE FUNCTION quiet_end(timezone text, quiet_from time, quiet_to time, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN quiet_from < quiet_to THEN
            CASE
                WHEN (at AT TIME ZONE timezone)::time >= quiet_from AND (at AT TIME ZONE timezone)::time < quiet_to
                    THEN ((at AT TIME ZONE timezone)::date + quiet_to) AT TIME ZONE timezone
            END
        WHEN (at AT TIME ZONE timezone)::time < quiet_to
            THEN ((at AT TIME ZONE timezone)::date + quiet_to) AT TIME ZONE timezone
        WHEN (at AT TIME ZONE timezone)::time >= quiet_from
            THEN ((at AT TIME ZONE timezone)::date + 1 + quiet_to) AT TIME ZONE timezone
    END
$$;
COMMENT ON FUNCTION quiet_end(text, time, time, timestamptz) IS 'When the quiet hours end in which a moment lies: [from, to) of the wall clock, over midnight too. NULL outside of them, and without any.';

CREATE OR REPLACE FUNCTION next_digest(timezone text, digest text, digest_at time, after timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT CASE digest
        WHEN 'hourly' THEN date_trunc('hour', after, 'UTC') + interval '1 hour'
        WHEN 'daily' THEN
            CASE
                WHEN ((after AT TIME ZONE timezone)::date + digest_at) AT TIME ZONE timezone > after
                    THEN ((after AT TIME ZONE timezone)::date + digest_at) AT TIME ZONE timezone
                ELSE ((after AT TIME ZONE timezone)::date + 1 + digest_at) AT TIME ZONE timezone
            END
    END
$$;
COMMENT ON FUNCTION next_digest(text, text, time, timestamptz) IS 'When the next digest behind a moment is due: at the full hour of UTC, or at digest_at of the wall clock. NULL without digests.';

CREATE OR REPLACE FUNCTION digest_period(timezone text, digest text, at timestamptz) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE digest
        WHEN 'hourly' THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')
        WHEN 'daily' THEN to_char(at AT TIME ZONE timezone, 'YYYY-MM-DD')
    END
$$;
COMMENT ON FUNCTION digest_period(text, text, timestamptz) IS 'The period of a digest that is due at a moment, of which there is one digest: the local date, or the hour in UTC.';

DROP VIEW IF EXISTS held_lines;
CREATE VIEW held_lines AS
SELECT
    h.receiver_id AS "_receiverId",
    h.id,
    h.type,
    h.variant AS "_variant",
    nullif(h.params, '{}') AS "_params",
    e.excerpt AS "_excerpt",
    e.beginning AS "_beginning",
    false AS "isRead",
    NULL::timestamptz AS "seenAt",
    NULL::timestamptz AS "archivedAt",
    NULL::timestamptz AS "snoozedUntil",
    h.id AS position,
    NULL::uuid AS "groupId",
    false AS silent,
    a.id AS "_actorId",
    a.username AS "_username",
    a.first_name AS "_firstName",
    a.last_name AS "_lastName",
    a.avatar_url AS "_avatarUrl",
    h.entity_type AS "_entityType",
    CASE WHEN e.found THEN coalesce(l.id, h.entity_id) END AS "_entityId",
    e.post_id AS "postId",
    l.id AS "relatedLeadId",
    h.created_at AS "createdAt",
    h.held_at AS "updatedAt",
    h.reason,
    h.held_at AS "heldAt"
FROM notifications_held AS h
LEFT JOIN users AS a ON a.id = h.actor_id
LEFT JOIN LATERAL (
    SELECT d.excerpt, d.beginning, d.post_id, true AS found
    FROM describe_entity(h.entity_type, h.entity_id, h.receiver_id) AS d
) AS e ON true
LEFT JOIN LATERAL (
    SELECT f.id FROM find_lead(h.entity_id, h.receiver_id) AS f WHERE h.entity_type = 'lead' OFFSET 0
) AS l ON true;
COMMENT ON VIEW held_lines IS 'What a person was not told, with the columns of notification_lines, and why.';
