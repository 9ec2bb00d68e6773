DELETE FROM notifications WHERE type NOT IN ('like', 'comment', 'mention', 'follow');
ALTER TABLE notifications DROP CONSTRAINT notifications_type_known;
ALTER TABLE notifications ADD CONSTRAINT notifications_type_known CHECK (type IN ('like', 'comment', 'mention', 'follow'));
DROP TABLE api_keys;
DROP TRIGGER note_role_change ON users;
DROP FUNCTION note_role_change();
ALTER TABLE users DROP COLUMN role_changed_at;
DROP TABLE role_permissions;
DROP TABLE permissions;
