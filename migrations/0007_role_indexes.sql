-- transactional: false
ALTER TABLE notifications VALIDATE CONSTRAINT notifications_type_known;
-- The runner puts no transaction around this file.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY users_role_changed_at_idx ON users (role_changed_at) WHERE role_changed_at IS NOT NULL;
