-- Reads the audit trail. Each list takes a span of time and a position to continue from. The row comparison (created_at, id)
-- bounds the index scan; the separate condition on created_at lets the planner prune partitions, which it cannot do from a row
-- comparison.

-- name: list_newest(since, before, before_id, most) :many
-- All events, the newest first.
SELECT i.*
FROM event_items AS i
WHERE i."createdAt" >= $1
    AND i."createdAt" <= $2
    AND (i."createdAt", i.id) < ($2, $3)
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $4;

-- name: list_by_actor(actor_id, since, before, before_id, most) :many
-- The events caused by one user, the newest first.
SELECT i.*
FROM event_items AS i
WHERE i."_actorId" = $1
    AND i."createdAt" >= $2
    AND i."createdAt" <= $3
    AND (i."createdAt", i.id) < ($3, $4)
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $5;

-- name: list_by_entity(entity_type, entity_id, since, before, before_id, most) :many
-- The events of one entity, the newest first.
SELECT i.*
FROM event_items AS i
WHERE i."entityType" = $1
    AND i."entityId" = $2
    AND i."createdAt" >= $3
    AND i."createdAt" <= $4
    AND (i."createdAt", i.id) < ($4, $5)
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $6;

-- name: list_by_type(type, since, before, before_id, most) :many
-- The events of one type, the newest first.
SELECT i.*
FROM event_items AS i
WHERE i.type = $1
    AND i."createdAt" >= $2
    AND i."createdAt" <= $3
    AND (i."createdAt", i.id) < ($3, $4)
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $5;

-- name: list_by_types(types, since, before, before_id, most) :many
-- The events of several types, the newest first. No index has them in one order, so the newest of each type are read, and the
-- newest of those are returned. Only the returned rows are read from the view.
SELECT i.*
FROM (
    SELECT e.id, e.created_at
    FROM unnest($1::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
        SELECT events.id, events.created_at
        FROM events
        WHERE events.type = wanted.type
            AND events.created_at >= $2
            AND events.created_at <= $3
            AND (events.created_at, events.id) < ($3, $4)
        ORDER BY events.created_at DESC, events.id DESC
        LIMIT $5
    ) AS e
    ORDER BY e.created_at DESC, e.id DESC
    LIMIT $5
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM event_items AS i WHERE i.id = found.id AND i."createdAt" = found.created_at OFFSET 0
) AS i
ORDER BY found.created_at DESC, found.id DESC;

-- name: list_actor_filtered(actor_id, entity_type, types, since, before, before_id, most) :many
-- The events caused by one user, filtered; a NULL filter is ignored. Reads only this user's events.
SELECT i.*
FROM event_items AS i
WHERE i."_actorId" = $1
    AND i."createdAt" >= $4
    AND i."createdAt" <= $5
    AND (i."createdAt", i.id) < ($5, $6)
    AND ($2::text IS NULL OR i."entityType" = $2)
    AND ($3::text[] IS NULL OR i.type = ANY($3))
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $7;

-- name: list_entity_filtered(entity_type, entity_id, actor_id, types, since, before, before_id, most) :many
-- The events of one entity, filtered; a NULL filter is ignored. Reads only this entity's events.
SELECT i.*
FROM event_items AS i
WHERE i."entityType" = $1
    AND i."entityId" = $2
    AND i."createdAt" >= $5
    AND i."createdAt" <= $6
    AND (i."createdAt", i.id) < ($6, $7)
    AND ($3::uuid IS NULL OR i."_actorId" = $3)
    AND ($4::text[] IS NULL OR i.type = ANY($4))
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $8;

-- name: list_filtered(entity_type, types, since, before, before_id, most) :many
-- The events of one type of entity; `types` NULL: of every type of event. Scans the trail from its newest row until the page is
-- full.
SELECT i.*
FROM event_items AS i
WHERE i."entityType" = $1
    AND i."createdAt" >= $3
    AND i."createdAt" <= $4
    AND (i."createdAt", i.id) < ($4, $5)
    AND ($2::text[] IS NULL OR i.type = ANY($2))
ORDER BY i."createdAt" DESC, i.id DESC
LIMIT $6;

-- name: name_entities(types, ids, viewer_id) :many
-- The current name, or the beginning of the text, of each entity that the viewer may see; no row for one that is gone or hidden
-- from them.
SELECT e.type, e.id, e.name
FROM (
    SELECT w.type, w.id, (SELECT d.excerpt FROM describe_entity(w.type, w.id, $3) AS d) AS name
    FROM unnest($1::text[], $2::uuid[]) AS w (type, id)
) AS e
WHERE e.name IS NOT NULL;

-- name: drop_partitions(keep_days) :value
-- Drop the monthly partitions of the audit trail that ended more than `keep_days` days ago; returns their number.
SELECT drop_event_partitions($1);

-- name: export_events(user_id) :many
-- The events caused by a user, for their export.
SELECT
    e.id, e.type, e.entity_type AS "entityType", e.entity_id AS "entityId", e.payload, e.metadata - 'traceparent' AS metadata,
    e.created_at AS "createdAt"
FROM events AS e
WHERE e.actor_id = $1
ORDER BY e.created_at, e.id;
