-- Webhooks: who may have what sent, and how one is shown and described.

CREATE OR REPLACE FUNCTION may_send(w webhooks) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT
        holds_permission(w.owner_id, 'webhook:create')
        AND CASE w.scope
            WHEN 'own' THEN true
            WHEN 'all' THEN holds_permission(w.owner_id, 'webhook:all')
            -- Not project_role(), for which one in the trash is none: its owners are told of that, too.
            ELSE EXISTS (
                SELECT FROM project_members AS m
                WHERE m.project_id = w.project_id AND m.user_id = w.owner_id AND m.role = 'owner'
            ) OR holds_permission(w.owner_id, 'project:manage')
        END
$$;
COMMENT ON FUNCTION may_send(webhooks) IS 'Whether the owner of a webhook has the right to what it sends, now.';

CREATE OR REPLACE FUNCTION wants_type(types text[], type text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT $1 = '{}' OR $2 = ANY($1) OR split_part($2, '.', 1) || '.*' = ANY($1)
$$;
COMMENT ON FUNCTION wants_type(text[], text) IS 'Whether a type is one that a webhook wants; types {}: every one is.';

CREATE OR REPLACE FUNCTION describe_webhook(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(w.description, substring(w.url FROM '^[a-z]+://([^/?#]+)')), NULL::text, NULL::uuid
    FROM webhooks AS w
    WHERE w.id = $1 AND w.owner_id = $2
$$;
COMMENT ON FUNCTION describe_webhook(uuid, uuid) IS 'A webhook in describe_entity(), for its owner: by its description, or the host it sends to.';

SELECT gather_kinds();

DROP VIEW IF EXISTS webhook_items;
CREATE VIEW webhook_items AS
SELECT
    w.id,
    w.scope,
    w.project_id AS "projectId",
    w.url,
    w.types,
    w.description,
    w.status,
    w.reason,
    w.failures,
    w.failing_since AS "failingSince",
    w.last_ok_at AS "lastOkAt",
    CASE WHEN w.old_until > now() THEN w.old_until END AS "oldSecretUntil",
    w.version,
    w.created_at AS "createdAt",
    w.updated_at AS "updatedAt",
    w.owner_id AS "_ownerId"
FROM webhooks AS w;
COMMENT ON VIEW webhook_items IS 'Webhooks as the API shows them, without their secrets.';

DROP VIEW IF EXISTS webhook_delivery_items;
CREATE VIEW webhook_delivery_items AS
SELECT
    d.id,
    d.event_id AS "eventId",
    d.type,
    d.status,
    d.attempts,
    CASE WHEN d.status = 'pending' THEN greatest(d.next_at, d.created_at) END AS "nextAttemptAt",
    d.last_status AS "lastStatus",
    d.last_error AS "lastError",
    d.last_ms AS "lastMs",
    d.created_at AS "createdAt",
    d.ended_at AS "endedAt",
    d.webhook_id AS "_webhookId"
FROM webhook_deliveries AS d;
COMMENT ON VIEW webhook_delivery_items IS 'Deliveries of webhooks as the API shows them.';
