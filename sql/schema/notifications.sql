-- Notifications as the API and the frames show them: references, with what they lead to read from the row as it is now.

CREATE OR REPLACE FUNCTION is_listed(n notifications) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT (n).archived_at IS NULL AND (n).snoozed_until IS NULL
$$;
COMMENT ON FUNCTION is_listed(notifications) IS 'Whether lists show it: n.is_listed. The planner takes it in, and finds the partial indexes.';

CREATE OR REPLACE FUNCTION is_unread(n notifications) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT NOT (n).is_read AND (n).archived_at IS NULL AND (n).snoozed_until IS NULL
$$;
COMMENT ON FUNCTION is_unread(notifications) IS 'Whether it counts as unread: n.is_unread. What counts is listed.';

CREATE OR REPLACE FUNCTION find_position(receiver_id uuid, id uuid) RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((SELECT n.position FROM notifications AS n WHERE n.id = $2 AND n.receiver_id = $1), $2)
$$;
COMMENT ON FUNCTION find_position(uuid, uuid) IS 'Where a notification of the receiver''s stands in lists. An id of nothing is taken for a position, which most ids are.';

DROP VIEW IF EXISTS notification_items;
DROP VIEW IF EXISTS notification_lines;
CREATE VIEW notification_lines AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    n.variant AS "_variant",
    nullif(n.params, '{}') AS "_params",
    e.excerpt AS "_excerpt",
    e.beginning AS "_beginning",
    n.is_read AS "isRead",
    n.seen_at AS "seenAt",
    n.archived_at AS "archivedAt",
    n.snoozed_until AS "snoozedUntil",
    n.position,
    n.group_id AS "groupId",
    coalesce(n.plan -> 'silent' = 'true', false) AS silent,
    -- Columns of the person: JSON for each row of a page costs more than the rest of the page's people.
    a.id AS "_actorId",
    a.username AS "_username",
    a.first_name AS "_firstName",
    a.last_name AS "_lastName",
    a.avatar_url AS "_avatarUrl",
    n.entity_type AS "_entityType",
    -- A lead may have been merged with another one.
    CASE WHEN e.found THEN coalesce(l.id, n.entity_id) END AS "_entityId",
    e.post_id AS "postId",
    l.id AS "relatedLeadId",
    n.created_at AS "createdAt",
    n.updated_at AS "updatedAt"
FROM (
    SELECT
        receiver_id, id, type, variant, params, is_read, seen_at, archived_at, snoozed_until, position, group_id, plan,
        actor_id, entity_type, entity_id, created_at, updated_at
    FROM notifications
    UNION ALL
    -- A query for what is not archived does without it: its constraint says that all of it is.
    SELECT
        receiver_id, id, type, variant, params, is_read, seen_at, archived_at, snoozed_until, position, group_id, plan,
        actor_id, entity_type, entity_id, created_at, updated_at
    FROM notifications_archive
) AS n
LEFT JOIN users AS a ON a.id = n.actor_id
LEFT JOIN LATERAL (
    SELECT d.excerpt, d.beginning, d.post_id, true AS found
    FROM describe_entity(n.entity_type, n.entity_id, n.receiver_id) AS d
) AS e ON true
LEFT JOIN LATERAL (
    -- Fenced, so that other kinds look for no lead.
    SELECT f.id FROM find_lead(n.entity_id, n.receiver_id) AS f WHERE n.entity_type = 'lead' OFFSET 0
) AS l ON true;
COMMENT ON VIEW notification_lines IS 'Notifications as the API and the frames show them; title and message are the sentences of type and variant, filled in by the service.';

CREATE VIEW notification_items AS
SELECT i.*, display_name(a) AS "_actorName", person(a) AS actor
FROM notification_lines AS i
LEFT JOIN users AS a ON a.id = i."_actorId";
COMMENT ON VIEW notification_items IS 'The same as the release before 0026 reads it, while it runs beside this one.';
