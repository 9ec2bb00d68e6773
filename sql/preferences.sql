-- Notification preferences: who is notified of what, on which channels and when; and the notifications that were held back.

-- name: decide(receiver_ids, event_ids, once_keys, actor_ids, types, entity_types, entity_ids, criticals, in_apps, emails, pushes, mail, push) :many
-- Decide which candidates for a notification get it, and on which channels: a row for each one who is notified, or whose
-- notification is `held` back. No row for one who is not active, was notified before, or may not see the entity. `criticals` to
-- `pushes` are the features' declarations; `mail` and `push`: whether these channels are configured.
-- Events with the same once_key concern the same entity and so are in one lane: no two transactions decide about the same key
-- at the same time.
-- Reads for each receiver are behind OFFSET 0: a cached plan made when a table was small would read the whole table. The
-- entities that an entity belongs to are read once for all of its receivers.
WITH asked AS MATERIALIZED (
    SELECT
        i.*,
        (SELECT true FROM notification_mutes AS n WHERE n.user_id = i.receiver_id LIMIT 1) AS mutes
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::boolean[], $9::boolean[],
        $10::text[], $11::boolean[]
    ) WITH ORDINALITY AS i (
        receiver_id, event_id, once_key, actor_id, type, entity_type, entity_id, critical, in_app, email, push, place
    )
),
chains AS MATERIALIZED (
    SELECT d.entity_type, d.entity_id, c.types, c.ids
    FROM (SELECT DISTINCT entity_type, entity_id FROM asked WHERE mutes AND entity_id IS NOT NULL) AS d
    CROSS JOIN LATERAL (
        SELECT array_agg(p.part_type) AS types, array_agg(p.part_id) AS ids
        FROM chain_entity(d.entity_type, d.entity_id) AS p
    ) AS c
),
chained AS MATERIALIZED (
    -- FULL JOIN can only be a hash or merge join. The planner expects few rows here, and a nested loop would compare each row
    -- with all chains.
    SELECT i.*, c.types, c.ids
    FROM asked AS i
    FULL JOIN chains AS c ON c.entity_type = i.entity_type AND c.entity_id = i.entity_id
),
weighed AS MATERIALIZED (
    SELECT
        i.place, i.type,
        i.critical OR coalesce(t.critical, false) AS critical,
        i.in_app, i.email, i.push, p.in_app AS own_in_app, p.email AS own_email, p.push AS own_push,
        CASE WHEN i.mutes THEN (
            SELECT true
            FROM (
                SELECT 'user' AS part_type, i.actor_id AS part_id
                UNION ALL
                SELECT u.part_type, u.part_id FROM unnest(i.types, i.ids) AS u (part_type, part_id)
            ) AS u
            CROSS JOIN LATERAL (
                SELECT
                FROM notification_mutes AS n
                WHERE n.user_id = i.receiver_id AND n.entity_type = u.part_type AND n.entity_id = u.part_id
                    AND (n.until IS NULL OR n.until > now())
                OFFSET 0
            ) AS n
            LIMIT 1
        ) END AS muted,
        CASE WHEN $13::boolean THEN (
            SELECT true FROM push_subscriptions AS o WHERE o.user_id = i.receiver_id LIMIT 1
        ) END AS has_browser,
        quiet_end(s.timezone, s.quiet_from, s.quiet_to, now()) AS quiet_until,
        -- A digest that is due but not made yet includes this notification.
        coalesce(s.next_digest_at, next_digest(s.timezone, s.digest, s.digest_at, now())) AS digest_due_at,
        r.has_address, r.bounced
    FROM chained AS i
    CROSS JOIN LATERAL (
        SELECT u.email IS NOT NULL AND u.email_verified_at IS NOT NULL AS has_address, u.email_bounced_at IS NOT NULL AS bounced
        FROM users AS u
        WHERE u.id = i.receiver_id AND u.status = 'active'
        OFFSET 0
    ) AS r
    LEFT JOIN LATERAL (
        SELECT o.in_app, o.email, o.push
        FROM notification_preferences AS o
        WHERE o.user_id = i.receiver_id AND o.type = i.type
        OFFSET 0
    ) AS p ON true
    LEFT JOIN LATERAL (
        SELECT o.timezone, o.quiet_from, o.quiet_to, o.digest, o.digest_at, o.next_digest_at
        FROM notification_settings AS o
        WHERE o.user_id = i.receiver_id
        OFFSET 0
    ) AS s ON true
    LEFT JOIN notification_types AS t ON t.type = i.type
    WHERE (SELECT true FROM notifications AS n WHERE n.receiver_id = i.receiver_id AND n.event_id = i.event_id) IS NULL
        AND (
            i.once_key IS NULL
            OR (SELECT true FROM notifications AS n WHERE n.receiver_id = i.receiver_id AND n.once_key = i.once_key) IS NULL
        )
        AND (
            i.entity_id IS NULL
            OR (SELECT true FROM describe_entity(i.entity_type, i.entity_id, i.receiver_id) LIMIT 1)
        )
),
decided AS (
    SELECT
        w.place,
        CASE
            WHEN w.critical THEN NULL
            WHEN w.muted THEN 'muted'
            WHEN NOT coalesce(w.own_in_app, w.in_app) THEN 'preference'
        END AS held,
        CASE
            WHEN (CASE WHEN w.critical THEN w.email ELSE coalesce(w.own_email, w.email) END) = 'off' THEN 'preference'
            WHEN NOT $12::boolean THEN 'not_configured'
            WHEN NOT w.has_address THEN 'no_address'
            WHEN w.bounced THEN 'bounced'
        END AS email_reason,
        CASE
            WHEN NOT (CASE WHEN w.critical THEN w.push ELSE coalesce(w.own_push, w.push) END) THEN 'preference'
            WHEN NOT $13::boolean THEN 'not_configured'
            WHEN w.has_browser IS NULL THEN 'no_subscription'
        END AS push_reason,
        CASE WHEN NOT w.critical THEN w.quiet_until END AS quiet_until,
        CASE WHEN NOT w.critical THEN w.digest_due_at END AS digest_due_at
    FROM weighed AS w
)
SELECT
    d.place::integer, d.held, d.quiet_until IS NOT NULL AS silent, d.email_reason, d.push_reason,
    CASE WHEN d.email_reason IS NULL THEN
        greatest(now() + interval '2 minutes', d.quiet_until, d.digest_due_at)
    END AS email_due_at,
    CASE WHEN d.email_reason IS NULL THEN
        CASE WHEN d.digest_due_at IS NOT NULL THEN 'digest' WHEN d.quiet_until IS NOT NULL THEN 'quiet_hours' END
    END AS email_wait,
    CASE WHEN d.push_reason IS NULL THEN greatest(now(), d.quiet_until) END AS push_due_at
FROM decided AS d
ORDER BY d.place;

-- name: hold(receiver_ids, event_ids, actor_ids, types, variants, whys, entity_types, entity_ids, params, reasons, created_ats) :exec
-- Store notifications that were held back, for their receivers to look up.
INSERT INTO notifications_held (
    receiver_id, event_id, actor_id, type, variant, why, entity_type, entity_id, params, reason, created_at
)
SELECT i.*
FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::jsonb[], $10::text[],
    $11::timestamptz[]
) AS i (receiver_id, event_id, actor_id, type, variant, why, entity_type, entity_id, params, reason, created_at)
ORDER BY i.receiver_id, i.event_id
ON CONFLICT ON CONSTRAINT notifications_held_receiver_id_event_id_key DO NOTHING;

-- name: list_held(user_id, before, most) :many
-- The notifications held back from a user, newest first, before an id.
SELECT h.*
FROM held_lines AS h
WHERE h."_receiverId" = $1 AND h.id < $2
ORDER BY h.id DESC
LIMIT $3;

-- name: delete_old_held(most) :value
-- Delete notifications that were held back more than 14 days ago; returns the number of rows. Call it until it is less than
-- `most`.
WITH gone AS (
    DELETE FROM notifications_held
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM notifications_held WHERE held_at < now() - interval '14 days' ORDER BY held_at LIMIT $1))
        AND held_at < now() - interval '14 days'
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_ended_mutes(most) :value
-- Delete mutes that have ended; returns the number of rows. Call it until it is less than `most`.
WITH gone AS (
    DELETE FROM notification_mutes
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM notification_mutes WHERE until < now() ORDER BY until LIMIT $1))
        AND until < now()
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: list_marked_types() :many
-- The notification types that an administrator has marked.
SELECT t.type, t.critical FROM notification_types AS t;

-- name: mark_type(type, critical, user_id) :value
-- Set whether a type is critical; true if that changes the mark, else NULL.
INSERT INTO notification_types AS t (type, critical, updated_by)
VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT notification_types_pkey DO UPDATE
SET critical = excluded.critical, updated_by = excluded.updated_by, updated_at = now()
WHERE t.critical <> excluded.critical
RETURNING true;

-- name: unmark_type(type) :value
-- Remove a type's mark; true if there was one, else NULL.
DELETE FROM notification_types WHERE type = $1 RETURNING true;

-- name: lock_settings(user_id) :one!
-- A user's settings, inserted with defaults if there are none, and locked until the transaction ends: this serialises all
-- changes of their preferences.
INSERT INTO notification_settings AS s (user_id)
VALUES ($1)
ON CONFLICT ON CONSTRAINT notification_settings_pkey DO UPDATE SET user_id = excluded.user_id
RETURNING s.timezone, s.quiet_from, s.quiet_to, s.digest, s.digest_at, s.next_digest_at;

-- name: get_settings(user_id) :one
-- A user's settings; no row if the user has never saved any.
SELECT s.timezone, s.quiet_from, s.quiet_to, s.digest, s.digest_at, s.next_digest_at
FROM notification_settings AS s
WHERE s.user_id = $1;

-- name: list_preferences(user_id) :many
-- The types for which a user's preferences differ from the declared ones.
SELECT p.type, p.in_app, p.email, p.push
FROM notification_preferences AS p
WHERE p.user_id = $1;

-- name: save_settings(user_id, timezone, quiet_from, quiet_to, digest, digest_at) :value
-- Set all settings and the time of the next digest, which changes only if a value it depends on changes. Returns that time.
UPDATE notification_settings AS s
SET
    timezone = $2, quiet_from = $3, quiet_to = $4, digest = $5, digest_at = $6, updated_at = now(),
    next_digest_at = CASE
        WHEN (s.timezone, s.digest, s.digest_at) = ($2, $5, $6) THEN s.next_digest_at
        ELSE next_digest($2, $5, $6, now())
    END
WHERE s.user_id = $1
RETURNING s.next_digest_at;

-- name: save_preferences(user_id, types, in_apps, emails, pushes) :exec
-- Set a user's preferences for these types; NULL: as declared.
WITH wanted AS MATERIALIZED (
    SELECT i.*
    FROM unnest($2::text[], $3::boolean[], $4::text[], $5::boolean[]) AS i (type, in_app, email, push)
),
gone AS (
    DELETE FROM notification_preferences AS p
    USING wanted AS w
    WHERE p.user_id = $1 AND p.type = w.type AND num_nonnulls(w.in_app, w.email, w.push) = 0
)
INSERT INTO notification_preferences AS p (user_id, type, in_app, email, push)
SELECT $1, w.type, w.in_app, w.email, w.push
FROM wanted AS w
WHERE num_nonnulls(w.in_app, w.email, w.push) > 0
ORDER BY w.type
ON CONFLICT ON CONSTRAINT notification_preferences_pkey DO UPDATE
SET in_app = excluded.in_app, email = excluded.email, push = excluded.push, updated_at = now();

-- name: list_zones() :many
-- The names of time zones. PostgreSQL reads one file for each of them.
SELECT z.name
FROM pg_timezone_names AS z
WHERE z.name !~ '^(posix|right)/' AND z.name NOT IN ('posixrules', 'localtime', 'Factory')
ORDER BY z.name;

-- name: leave_unknown_zones() :exec
-- Set the clocks of users to UTC whose time zone this PostgreSQL does not know, because another build had it: every statement
-- that notifies one of them would fail.
UPDATE notification_settings AS s
SET timezone = 'UTC', next_digest_at = next_digest('UTC', s.digest, s.digest_at, now())
WHERE s.timezone <> 'UTC' AND s.timezone NOT IN (SELECT z.name FROM pg_timezone_names AS z);

-- name: mute(user_id, entity_type, entity_id, until, context) :one
-- Mute an entity that the user may see, and emit the event if that changes something, else `_eventId` is NULL. No row if the
-- entity is gone or the user may not see it.
WITH seen AS (
    SELECT d.excerpt
    FROM describe_entity($2, $3, $1) AS d
    WHERE is_described($2)
),
old AS (
    SELECT m.until, m.created_at
    FROM notification_mutes AS m
    WHERE m.user_id = $1 AND m.entity_type = $2 AND m.entity_id = $3
),
saved AS (
    INSERT INTO notification_mutes AS m (user_id, entity_type, entity_id, until)
    SELECT $1, $2, $3, $4
    FROM seen
    ON CONFLICT ON CONSTRAINT notification_mutes_pkey DO UPDATE SET until = excluded.until
    RETURNING m.until, m.created_at
)
SELECT
    json_build_object('type', $2::text, 'id', $3::uuid) AS entity, seen.excerpt AS title, saved.until,
    saved.created_at AS "createdAt",
    CASE WHEN old.created_at IS NULL OR old.until IS DISTINCT FROM saved.until THEN
        emit(
            'notifications.muted', $1, 'user', $1,
            jsonb_build_object('entityType', $2::text, 'entityId', $3::uuid, 'until', saved.until), $5
        )
    END AS "_eventId"
FROM saved
CROSS JOIN seen
LEFT JOIN old ON true;

-- name: unmute(user_id, entity_type, entity_id, context) :value
-- Remove a mute and emit the event; true if there was one, else NULL.
WITH gone AS (
    DELETE FROM notification_mutes
    WHERE user_id = $1 AND entity_type = $2 AND entity_id = $3
    RETURNING entity_type, entity_id
)
SELECT
    emit(
        'notifications.unmuted', $1, 'user', $1,
        jsonb_build_object('entityType', g.entity_type, 'entityId', g.entity_id), $4
    ) IS NOT NULL
FROM gone AS g;

-- name: list_mutes(user_id, after_type, after, most) :many
-- A user's active mutes after a position (type, id); the title is NULL if the entity is gone or the user may no longer see it.
SELECT
    m.entity_type AS "_entityType", m.entity_id AS "_entityId",
    json_build_object('type', m.entity_type, 'id', m.entity_id) AS entity,
    (SELECT d.excerpt FROM describe_entity(m.entity_type, m.entity_id, m.user_id) AS d) AS title,
    m.until, m.created_at AS "createdAt"
FROM notification_mutes AS m
WHERE m.user_id = $1
    AND (m.user_id, m.entity_type, m.entity_id) > ($1, $2, $3)
    AND (m.until IS NULL OR m.until > now())
ORDER BY m.user_id, m.entity_type, m.entity_id
LIMIT $4;

-- name: trace(user_id, notification_id) :many
-- The history of one of a user's notifications, or of one that was held back; no row if it is neither.
WITH told AS MATERIALIZED (
    SELECT
        n.id, n.receiver_id, n.why, n.plan, n.created_at, read_time(n.id) AS told_at, n.seen_at, n.read_at, n.archived_at,
        n.snoozed_until
    FROM notifications AS n
    WHERE n.id = $2 AND n.receiver_id = $1
    UNION ALL
    SELECT
        n.id, n.receiver_id, n.why, n.plan, n.created_at, read_time(n.id), n.seen_at, n.read_at, n.archived_at,
        n.snoozed_until
    FROM notifications_archive AS n
    WHERE n.id = $2 AND n.receiver_id = $1
),
held AS MATERIALIZED (
    SELECT h.why, h.reason, h.created_at, h.held_at
    FROM notifications_held AS h
    WHERE h.id = $2 AND h.receiver_id = $1
),
sent AS MATERIALIZED (
    SELECT d.*, t.told_at
    FROM deliveries AS d
    INNER JOIN told AS t ON t.id = d.notification_id
),
shown AS (
    SELECT f.seq
    FROM told AS t
    INNER JOIN room_frames AS f
        ON f.room = 'user:' || t.receiver_id AND f.entity_id = t.id AND f.event = 'notification:created'
    LIMIT 1
)
SELECT s.step, s.outcome, s.reason, s.at
FROM (
    SELECT 1 AS number, 'audience' AS step, 'chosen' AS outcome, t.why AS reason, t.created_at AS at
    FROM (SELECT why, created_at FROM told UNION ALL SELECT why, created_at FROM held) AS t
    UNION ALL
    SELECT 2, 'decision', 'told', NULL, t.told_at FROM told AS t
    UNION ALL
    SELECT 2, 'decision', 'held', h.reason, h.held_at FROM held AS h
    UNION ALL
    SELECT
        3, 'inApp', CASE WHEN t.plan ? 'silent' THEN 'silent' ELSE 'shown' END,
        CASE WHEN t.plan ? 'silent' THEN 'quiet_hours' END, t.told_at
    FROM told AS t
    UNION ALL
    SELECT 4, c.channel, 'left_out', t.plan ->> c.channel, t.told_at
    FROM told AS t
    CROSS JOIN (VALUES ('email'), ('push')) AS c (channel)
    WHERE t.plan ? c.channel
    UNION ALL
    -- created_at is the start of the transaction, before the notification got its id.
    SELECT 5, d.channel, 'planned', NULL, greatest(d.created_at, d.told_at) FROM sent AS d
    UNION ALL
    SELECT 6, a.channel, 'attempt_' || a.outcome, a.code, a.at
    FROM sent AS d
    INNER JOIN delivery_attempts AS a USING (notification_id, channel, target)
    UNION ALL
    SELECT
        7, d.channel, d.state, d.reason,
        CASE d.state WHEN 'waiting' THEN d.due_at ELSE coalesce(d.sent_at, d.due_at) END
    FROM sent AS d
    UNION ALL
    SELECT 8, 'delivered', 'acknowledged', NULL, a.acked_at
    FROM sessions AS s
    INNER JOIN room_acks AS a ON a.session_id = s.id AND a.room = 'user:' || $1::text
    WHERE s.user_id = $1
        AND a.seq >= coalesce((SELECT max(d.frame_seq) FROM sent AS d), (SELECT f.seq FROM shown AS f))
    UNION ALL
    SELECT e.number, e.step, 'done', NULL, e.at
    FROM told AS t
    CROSS JOIN LATERAL (
        VALUES (9, 'seen', t.seen_at), (10, 'read', t.read_at), (11, 'archived', t.archived_at)
    ) AS e (number, step, at)
    WHERE e.at IS NOT NULL
    UNION ALL
    SELECT 12, 'snoozed', 'until', NULL, t.snoozed_until
    FROM told AS t
    WHERE t.snoozed_until IS NOT NULL
) AS s
ORDER BY s.at, s.number;

-- name: lock_settings_of_active(user_id) :value
-- Like lock_settings, for a user who may have left meanwhile: NULL, and nothing is inserted, if they are not active.
INSERT INTO notification_settings AS s (user_id)
SELECT u.id FROM users AS u WHERE u.id = $1 AND u.status = 'active'
ON CONFLICT ON CONSTRAINT notification_settings_pkey DO UPDATE SET user_id = excluded.user_id
RETURNING true;

-- name: stop_mails(user_id, types, every) :many
-- Turn off mails of these types, including waiting ones; with `every` also digests, which would be empty. Returns the fields
-- that changed. Run it after lock_settings_of_active, because a concurrent change writes all channels of a type.
WITH no_digests AS (
    UPDATE notification_settings AS s
    SET digest = 'none', next_digest_at = NULL, updated_at = now()
    WHERE s.user_id = $1 AND $3::boolean AND s.digest <> 'none'
    RETURNING 'digest' AS field
),
no_mails AS (
    INSERT INTO notification_preferences AS p (user_id, type, email)
    SELECT $1, i.type, 'off'
    FROM unnest($2::text[]) AS i (type)
    ORDER BY i.type
    ON CONFLICT ON CONSTRAINT notification_preferences_pkey DO UPDATE
    SET email = 'off', updated_at = now()
    WHERE p.email IS DISTINCT FROM 'off'
    RETURNING 'types.' || p.type || '.email' AS field
)
SELECT m.field FROM no_mails AS m
UNION ALL
SELECT d.field FROM no_digests AS d;

-- name: delete_preferences(user_id) :exec
-- Delete all preferences, mutes and held notifications of a user who leaves.
WITH types AS (
    DELETE FROM notification_preferences WHERE user_id = $1
),
mutes AS (
    DELETE FROM notification_mutes WHERE user_id = $1
),
held AS (
    DELETE FROM notifications_held WHERE receiver_id = $1
)
DELETE FROM notification_settings WHERE user_id = $1;

-- name: export_settings(user_id) :many
-- A user's settings for notifications, for their export.
SELECT
    s.timezone, to_char(s.quiet_from, 'HH24:MI') AS "quietFrom", to_char(s.quiet_to, 'HH24:MI') AS "quietTo", s.digest,
    to_char(s.digest_at, 'HH24:MI') AS "digestAt"
FROM notification_settings AS s
WHERE s.user_id = $1;

-- name: export_preferences(user_id) :many
-- A user's preferences that differ from the declared ones, for their export.
SELECT p.type, p.in_app AS "inApp", p.email, p.push FROM notification_preferences AS p WHERE p.user_id = $1 ORDER BY p.type;

-- name: export_mutes(user_id) :many
-- A user's mutes, for their export.
SELECT json_build_object('type', m.entity_type, 'id', m.entity_id) AS entity, m.until, m.created_at AS "createdAt"
FROM notification_mutes AS m
WHERE m.user_id = $1
ORDER BY m.entity_type, m.entity_id;

-- name: export_held(user_id) :many
-- The notifications held back from a user, for their export.
SELECT
    h.id, h.type, h.reason, h.created_at AS "createdAt",
    CASE WHEN h.entity_id IS NOT NULL THEN json_build_object('type', h.entity_type, 'id', h.entity_id) END AS entity,
    h.actor_id AS "actorId"
FROM notifications_held AS h
WHERE h.receiver_id = $1
ORDER BY h.id;
