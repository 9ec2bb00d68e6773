DROP FUNCTION drop_event_partitions(integer);
DROP INDEX events_newest_idx;
DROP INDEX events_type_idx;
DROP INDEX events_actor_idx;
DROP INDEX events_entity_idx;
CREATE INDEX events_entity_idx ON events (entity_type, entity_id, id);
CREATE INDEX events_actor_idx ON events (actor_id, id);
