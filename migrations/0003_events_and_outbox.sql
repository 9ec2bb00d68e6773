CREATE TABLE events (
    id uuid NOT NULL DEFAULT uuidv7(),
    type text NOT NULL,
    actor_id uuid,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    payload jsonb NOT NULL,
    metadata jsonb NOT NULL,
    correlation_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT events_pkey PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE events IS 'The audit trail: everything that happened. Append-only; a month is a partition.';
COMMENT ON COLUMN events.type IS 'What happened, for instance comment.created; see nexcorp/events/catalogue.py.';
COMMENT ON COLUMN events.actor_id IS 'Who did it. No foreign key: the trail outlives its people.';
COMMENT ON COLUMN events.payload IS 'What those who hear of it need, in the API''s words.';
COMMENT ON COLUMN events.metadata IS 'Where it came from: ip, userAgent, sessionId.';
COMMENT ON COLUMN events.correlation_id IS 'The X-Request-Id of the request that caused it.';
CREATE INDEX events_entity_idx ON events (entity_type, entity_id, id);
CREATE INDEX events_actor_idx ON events (actor_id, id);
CREATE TABLE events_default PARTITION OF events DEFAULT;
COMMENT ON TABLE events_default IS 'Catches events of months without a partition; stays empty while the hourly job runs.';

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'Keeps an append-only table so.';

CREATE FUNCTION ensure_event_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    start date;
    name text;
    made integer := 0;
BEGIN
    -- A new partition locks the whole trail: rather fail and be tried again than keep every write waiting.
    PERFORM set_config('lock_timeout', '2s', true);
    FOR ahead IN 0..months_ahead LOOP
        start := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
        name := format('events_%s', to_char(start, 'YYYY_MM'));
        IF to_regclass(name) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
                name,
                start::timestamp AT TIME ZONE 'UTC',
                (start + interval '1 month')::timestamp AT TIME ZONE 'UTC'
            );
            -- Unlike row triggers, this one is not inherited.
            EXECUTE format(
                'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                name
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ensure_event_partitions(integer) IS 'Creates the partitions of this month and so many ahead; returns how many were new.';
DO $$ BEGIN PERFORM ensure_event_partitions(3); END $$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON events_default
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    event_id uuid NOT NULL,
    event_at timestamptz NOT NULL,
    dedup_key text CONSTRAINT outbox_dedup_key_key UNIQUE,
    receivers_after uuid,
    attempts smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE outbox IS 'Events that have still to be delivered. A row is claimed by its lock alone, so a dead worker leaves nothing behind.';
COMMENT ON COLUMN outbox.event_at IS 'created_at of the event: tells its partition.';
COMMENT ON COLUMN outbox.dedup_key IS 'Where set, the same thing is queued only once.';
COMMENT ON COLUMN outbox.receivers_after IS 'A large audience is written in parts: the last receiver of the parts done.';
COMMENT ON COLUMN outbox.attempts IS 'Failed deliveries so far; at ten the row moves to outbox_dead.';
COMMENT ON COLUMN outbox.next_at IS 'Not before this.';

CREATE TABLE outbox_dead (
    id bigint CONSTRAINT outbox_dead_pkey PRIMARY KEY,
    event_id uuid NOT NULL,
    event_at timestamptz NOT NULL,
    dedup_key text,
    receivers_after uuid,
    attempts smallint NOT NULL,
    last_error text,
    created_at timestamptz NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE outbox_dead IS 'Outbox rows that failed ten times, for an operator to look at and retry.';

CREATE TABLE worker_heartbeats (
    worker_id text CONSTRAINT worker_heartbeats_pkey PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON TABLE worker_heartbeats IS 'Workers that run; one not seen for 15 seconds is gone.';
