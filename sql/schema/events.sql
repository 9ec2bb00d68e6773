-- The audit trail: append-only, a partition a month; and how it is shown.

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'Keeps an append-only table so.';

CREATE OR REPLACE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change();
COMMENT ON TRIGGER events_append_only ON events IS 'Keeps the trail append-only; every partition has it, too.';

CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMENT ON TRIGGER no_truncate ON events IS 'Keeps the trail append-only.';

CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON events_default
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMENT ON TRIGGER no_truncate ON events_default IS 'Keeps the trail append-only; TRUNCATE triggers are not inherited.';

CREATE OR REPLACE FUNCTION list_missing_months(months_ahead integer) RETURNS TABLE (month date)
LANGUAGE sql STABLE
AS $$
    -- Of events_default, where rows of no partition are, the months up to then: what a wrong clock dated later stays
    -- there until its month comes near.
    WITH present AS (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AS month)
    SELECT DISTINCT wanted.month::date
    FROM present
    CROSS JOIN LATERAL (
        SELECT present.month + make_interval(months => ahead) FROM generate_series(0, months_ahead) AS s (ahead)
        UNION ALL
        SELECT date_trunc('month', d.created_at AT TIME ZONE 'UTC')
        FROM events_default AS d
        WHERE d.created_at < (present.month + make_interval(months => months_ahead + 1)) AT TIME ZONE 'UTC'
    ) AS wanted (month)
    WHERE to_regclass(format('events_%s', to_char(wanted.month, 'YYYY_MM'))) IS NULL
    ORDER BY 1
$$;
COMMENT ON FUNCTION list_missing_months(integer) IS 'The first days of the months up to so many ahead that have no partition in the trail and want one: from this month on, and whenever events_default has rows.';

CREATE OR REPLACE FUNCTION ensure_event_partition(month date) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    name text := format('events_%s', to_char(month, 'YYYY_MM'));
    since timestamptz := month::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    -- Rather fail and be tried again than keep everybody waiting. Events of months with a partition go on meanwhile:
    -- one that is made aside and attached locks nothing but events_default.
    PERFORM set_config('lock_timeout', '2s', true);
    LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', name);
    IF EXISTS (SELECT FROM events_default AS d WHERE d.created_at >= since AND d.created_at < until) THEN
        ALTER TABLE events_default DISABLE TRIGGER events_append_only;
        EXECUTE format(
            'WITH moved AS (DELETE FROM events_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved',
            name
        ) USING since, until;
        ALTER TABLE events_default ENABLE TRIGGER events_append_only;
    END IF;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, since, until);
    -- Unlike row triggers, this one is not inherited.
    EXECUTE format(
        'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name
    );
    RETURN true;
END
$$;
COMMENT ON FUNCTION ensure_event_partition(date) IS 'Creates the partition of the month that begins on this day and moves rows of it out of events_default; returns whether it is new.';

CREATE OR REPLACE FUNCTION ensure_event_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    month date;
    made integer := 0;
BEGIN
    -- An array, as a table that is being read cannot be altered.
    FOREACH month IN ARRAY ARRAY(SELECT m.month FROM list_missing_months(months_ahead) AS m) LOOP
        made := made + ensure_event_partition(month)::integer;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ensure_event_partitions(integer) IS 'Creates the partitions of list_missing_months(), all or none; returns how many were new.';

CREATE OR REPLACE FUNCTION drop_event_partitions(keep_days integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    -- Whatever is asked for, the current month stays.
    horizon timestamptz := least(
        now() - make_interval(days => keep_days),
        date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    );
    old regclass;
    dropped integer := 0;
BEGIN
    -- As with a new partition: rather fail and be tried again than keep every write waiting.
    PERFORM set_config('lock_timeout', '2s', true);
    FOR old IN
        SELECT p.oid::regclass
        FROM pg_inherits AS i
        INNER JOIN pg_class AS p ON p.oid = i.inhrelid
        -- The default partition has no upper bound to find, and so never matches.
        WHERE i.inhparent = 'events'::regclass
            AND substring(pg_get_expr(p.relpartbound, p.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz <= horizon
    LOOP
        EXECUTE format('DROP TABLE %s', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION drop_event_partitions(integer) IS 'Drops the months of the trail that ended so many days ago, but never the current one; returns how many went.';

CREATE OR REPLACE FUNCTION find_lane(root uuid) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- The last byte of a version 7 id is random.
    SELECT (get_byte(uuid_send(root), 15) % 16)::smallint
$$;
COMMENT ON FUNCTION find_lane(uuid) IS 'The lane of the outbox, 0 to 15, in which events of an entity keep their order.';

CREATE OR REPLACE FUNCTION emit(
    type text, actor_id uuid, entity_type text, entity_id uuid, payload jsonb, context jsonb, root uuid DEFAULT NULL,
    dedup_key text DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql
AS $$
-- Arguments have the names of columns, for those who call it by hand; here they are $1 to $8.
#variable_conflict use_column
DECLARE
    event_id uuid := uuidv7();
BEGIN
    INSERT INTO events (id, type, actor_id, entity_type, entity_id, payload, metadata, correlation_id, project_id)
    VALUES (
        event_id, $1, $2, $3, $4, $5, $6 - 'requestId', $6 ->> 'requestId',
        CASE WHEN $3 = 'project' THEN $4 ELSE ($5 ->> 'projectId')::uuid END
    );
    IF $8 IS NULL THEN
        INSERT INTO outbox (event_id, event_at, lane) VALUES (event_id, now(), find_lane(coalesce($7, $4)));
    ELSE
        INSERT INTO outbox (event_id, event_at, lane, dedup_key)
        VALUES (event_id, now(), find_lane(coalesce($7, $4)), $8)
        ON CONFLICT (dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING;
    END IF;
    RETURN event_id;
END
$$;
COMMENT ON FUNCTION emit(text, uuid, text, uuid, jsonb, jsonb, uuid, text) IS 'Records what happened and queues it, in the transaction in which it happened; returns the event''s id. `payload` holds references; its `projectId`, or a project that it happened to, has the event in the activity of that. `context` is {ip, userAgent, sessionId, requestId}. Events of one `root`, the entity itself where NULL, are delivered in their order. Of what has the same `dedup_key` one is queued at a time.';

CREATE OR REPLACE FUNCTION is_of_departed(actor_id uuid, payload jsonb) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT 1 FROM users AS u WHERE u.id = coalesce($1, ($2 ->> 'userId')::uuid) AND u.left_at IS NOT NULL
    )
$$;
COMMENT ON FUNCTION is_of_departed(uuid, jsonb) IS 'Whether an event came from a person who has left; without an actor it is taken to come from whom it is about.';

DROP VIEW IF EXISTS event_items;
CREATE VIEW event_items AS
SELECT
    e.id,
    e.type,
    person(a) AS actor,
    e.entity_type AS "entityType",
    e.entity_id AS "entityId",
    e.payload,
    CASE WHEN NOT is_of_departed(e.actor_id, e.payload) THEN e.metadata ->> 'ip' END AS ip,
    CASE WHEN NOT is_of_departed(e.actor_id, e.payload) THEN e.metadata ->> 'userAgent' END AS "userAgent",
    e.correlation_id AS "requestId",
    e.created_at AS "createdAt",
    e.actor_id AS "_actorId",
    e.project_id AS "_projectId"
FROM events AS e
LEFT JOIN users AS a ON a.id = e.actor_id;
COMMENT ON VIEW event_items IS 'Events of the audit trail as the API shows them; of people who have left without their addresses and devices.';

CREATE OR REPLACE VIEW outbox_state AS
SELECT
    (SELECT count(*) FROM outbox WHERE next_at <= now() OR last_error IS NOT NULL) AS depth,
    (
        SELECT greatest(coalesce(extract(epoch FROM now() - min(since)), 0), 0)::float8
        FROM (
            SELECT
                CASE WHEN receivers_after = '00000000-0000-0000-0000-000000000000' THEN next_at ELSE created_at END AS since
            FROM outbox
        ) AS waiting
    ) AS age,
    (SELECT count(*) FROM outbox_dead) AS dead;
COMMENT ON VIEW outbox_state IS
'How much is waiting, for how long the oldest in seconds, how much is dead. What has been put off waits from its time on.';
