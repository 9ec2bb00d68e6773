-- The trail is read by time. Its parent is partitioned, so no index of it can be built or dropped CONCURRENTLY; before the
-- first release the trail is small.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX events_entity_idx;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX events_actor_idx;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_entity_idx ON events (entity_type, entity_id, created_at, id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_actor_idx ON events (actor_id, created_at, id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_type_idx ON events (type, created_at, id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_newest_idx ON events (created_at, id);

CREATE FUNCTION drop_event_partitions(keep_days integer) RETURNS integer
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
