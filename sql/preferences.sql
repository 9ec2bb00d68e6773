-- Preferences: who is told of what, on which channels and when; and what was held back.

-- name: decide(receiver_ids, event_ids, once_keys, actor_ids, types, entity_types, entity_ids, criticals, in_apps, emails, pushes, mail, push) :many
-- Who of those that an event might be told to are told, and on which channels; a row for each who is, or whose notification is
-- `held`. No row for whoever is not active, was told before, or may not see what it leads to. criticals to pushes are what the
-- features declare; `mail`, `push`: whether these are configured.
-- Events that share a once_key are of one entity, and so in one lane: nobody tells the same at the same time.
-- What is read of each receiver stands behind a fence (OFFSET 0): a plan that is kept from when a table was small would read
-- all of it. What an entity belongs to is read once, whoever is told of it.
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
    -- FULL can only be a hash or merge join. Few rows are expected here, and of few each would be compared with all chains.
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
        -- The one that is due and was not made yet takes this along.
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
-- Keep what people were not told, for them to look at.
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
-- What a person was not told, the newest first, before an id.
SELECT h.*
FROM held_lines AS h
WHERE h."_receiverId" = $1 AND h.id < $2
ORDER BY h.id DESC
LIMIT $3;

-- name: delete_old_held(most) :value
-- What people were not told, after 14 days; returns how many. Call it until that is less than `most`.
WITH gone AS (
    DELETE FROM notifications_held
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM notifications_held WHERE held_at < now() - interval '14 days' ORDER BY held_at LIMIT $1))
        AND held_at < now() - interval '14 days'
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_ended_mutes(most) :value
-- Mutes whose time is over; returns how many. Call it until that is less than `most`.
WITH gone AS (
    DELETE FROM notification_mutes
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM notification_mutes WHERE until < now() ORDER BY until LIMIT $1))
        AND until < now()
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: list_marked_types() :many
-- The types of notification that an administrator marked.
SELECT t.type, t.critical FROM notification_types AS t;

-- name: mark_type(type, critical, user_id) :value
-- Mark a type as critical; true where it was not marked.
INSERT INTO notification_types AS t (type, critical, updated_by)
VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT notification_types_pkey DO UPDATE
SET critical = excluded.critical, updated_by = excluded.updated_by, updated_at = now()
WHERE t.critical <> excluded.critical
RETURNING true;

-- name: unmark_type(type) :value
-- Take a mark away; true where there was one.
DELETE FROM notification_types WHERE type = $1 RETURNING true;

-- name: lock_settings(user_id) :one!
-- A person's settings, as they are if there were none, locked until the commit: changes of all preferences take turns.
INSERT INTO notification_settings AS s (user_id)
VALUES ($1)
ON CONFLICT ON CONSTRAINT notification_settings_pkey DO UPDATE SET user_id = excluded.user_id
RETURNING s.timezone, s.quiet_from, s.quiet_to, s.digest, s.digest_at, s.next_digest_at;

-- name: get_settings(user_id) :one
-- A person's settings; no row where there are none.
SELECT s.timezone, s.quiet_from, s.quiet_to, s.digest, s.digest_at, s.next_digest_at
FROM notification_settings AS s
WHERE s.user_id = $1;

-- name: list_preferences(user_id) :many
-- Where a person differs from what is declared.
SELECT p.type, p.in_app, p.email, p.push
FROM notification_preferences AS p
WHERE p.user_id = $1;

-- name: save_settings(user_id, timezone, quiet_from, quiet_to, digest, digest_at) :value
-- Set all settings, and when the next digest is due: another time only where that changes. Returns it.
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
-- Set what a person wants of these types; NULL: as declared.
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
-- The names of time zones. It reads a file for each.
SELECT z.name
FROM pg_timezone_names AS z
WHERE z.name !~ '^(posix|right)/' AND z.name NOT IN ('posixrules', 'localtime', 'Factory')
ORDER BY z.name;

-- name: leave_unknown_zones() :exec
-- Set the clocks of people to UTC whose time zone this PostgreSQL does not know: another build had it. Any statement would fail
-- that tells one of them something.
UPDATE notification_settings AS s
SET timezone = 'UTC', next_digest_at = next_digest('UTC', s.digest, s.digest_at, now())
WHERE s.timezone <> 'UTC' AND s.timezone NOT IN (SELECT z.name FROM pg_timezone_names AS z);

-- name: mute(user_id, entity_type, entity_id, until, context) :one
-- Mute what a person may see, and emit the event where that is new; `_eventId` is NULL where it was so. No row where it is
-- gone or not shown to the person.
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
-- Take a mute back, and emit the event; true where there was one.
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
-- What a person has muted, by kind and id, behind one; without a title where it is gone or no longer shown to the person.
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
-- What became of one of a person's notifications, or of one that was held; no row where it is neither.
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
    SELECT d.*
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
    SELECT 5, d.channel, 'planned', NULL, d.created_at FROM sent AS d
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
    SELECT 9, e.step, 'done', NULL, e.at
    FROM told AS t
    CROSS JOIN LATERAL (
        VALUES ('seen', t.seen_at), ('read', t.read_at), ('archived', t.archived_at)
    ) AS e (step, at)
    WHERE e.at IS NOT NULL
    UNION ALL
    SELECT 10, 'snoozed', 'until', NULL, t.snoozed_until
    FROM told AS t
    WHERE t.snoozed_until IS NOT NULL
) AS s
ORDER BY s.at, s.number;

-- name: stop_mails(user_id, types, every) :exec
-- No more mails of these types, those that wait included; with `every` no digests either, as there is nothing for them.
WITH receiver AS (
    SELECT id FROM users WHERE id = $1 AND status = 'active'
),
no_digests AS (
    UPDATE notification_settings AS s
    SET digest = 'none', next_digest_at = NULL, updated_at = now()
    FROM receiver AS r
    WHERE s.user_id = r.id AND $3::boolean AND s.digest <> 'none'
)
INSERT INTO notification_preferences AS p (user_id, type, email)
SELECT r.id, i.type, 'off'
FROM receiver AS r
CROSS JOIN unnest($2::text[]) AS i (type)
ORDER BY i.type
ON CONFLICT ON CONSTRAINT notification_preferences_pkey DO UPDATE
SET email = 'off', updated_at = now()
WHERE p.email IS DISTINCT FROM 'off';

-- name: delete_preferences(user_id) :exec
-- All settings of a person who leaves, and what was held.
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
-- When a person wants to be reached.
SELECT
    s.timezone, to_char(s.quiet_from, 'HH24:MI') AS "quietFrom", to_char(s.quiet_to, 'HH24:MI') AS "quietTo", s.digest,
    to_char(s.digest_at, 'HH24:MI') AS "digestAt"
FROM notification_settings AS s
WHERE s.user_id = $1;

-- name: export_preferences(user_id) :many
-- Where a person differs from what is declared.
SELECT p.type, p.in_app AS "inApp", p.email, p.push FROM notification_preferences AS p WHERE p.user_id = $1 ORDER BY p.type;

-- name: export_mutes(user_id) :many
-- What a person has muted.
SELECT json_build_object('type', m.entity_type, 'id', m.entity_id) AS entity, m.until, m.created_at AS "createdAt"
FROM notification_mutes AS m
WHERE m.user_id = $1
ORDER BY m.entity_type, m.entity_id;

-- name: export_held(user_id) :many
-- What a person was not told.
SELECT
    h.id, h.type, h.reason, h.created_at AS "createdAt",
    CASE WHEN h.entity_id IS NOT NULL THEN json_build_object('type', h.entity_type, 'id', h.entity_id) END AS entity,
    h.actor_id AS "actorId"
FROM notifications_held AS h
WHERE h.receiver_id = $1
ORDER BY h.id;
