ALTER TABLE users DROP COLUMN email_bounced_at;
DROP TABLE digests;
DROP TABLE delivery_attempts;
DROP TABLE deliveries;
DROP TABLE notification_mutes;
DROP TABLE notification_settings;
DROP TABLE notification_preferences;
DROP TABLE notification_types;
DROP TABLE notifications_held;
INSERT INTO notifications (
    id, receiver_id, event_id, actor_id, type, once_key, is_read, read_at, seen_at, archived_at, created_at, updated_at,
    variant, entity_type, entity_id, params
)
SELECT
    id, receiver_id, event_id, actor_id, type, once_key, is_read, read_at, seen_at, archived_at, created_at, updated_at,
    variant, entity_type, entity_id, params
FROM notifications_archive
ON CONFLICT DO NOTHING;
DROP TABLE notifications_archive;
DROP TABLE notification_groups;
CREATE INDEX notifications_unread_idx ON notifications (receiver_id, id) WHERE NOT is_read AND archived_at IS NULL;
CREATE INDEX notifications_receiver_idx ON notifications (receiver_id, id);
DROP INDEX notifications_sleeping_idx;
DROP INDEX notifications_snoozed_idx;
DROP INDEX notifications_archived_idx;
DROP INDEX notifications_group_idx;
DROP INDEX notifications_single_idx;
DROP INDEX notifications_new_idx;
DROP INDEX notifications_listed_idx;
ALTER TABLE notifications DROP CONSTRAINT notifications_position_set;
ALTER TABLE notifications
DROP COLUMN plan,
DROP COLUMN why,
DROP COLUMN snoozed_until,
DROP COLUMN group_id,
DROP COLUMN position;
