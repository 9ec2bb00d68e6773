DROP TABLE worker_heartbeats;
DROP TABLE outbox_dead;
DROP TABLE outbox;
DROP TABLE events;
DROP FUNCTION refuse_change();
DROP FUNCTION ensure_event_partitions(integer);
