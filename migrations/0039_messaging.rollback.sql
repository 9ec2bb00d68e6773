-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS uploads_loose_idx;
CREATE INDEX CONCURRENTLY uploads_loose_idx ON uploads (created_at) WHERE post_id IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS uploads_free_idx;
CREATE INDEX CONCURRENTLY uploads_free_idx ON uploads (owner_id)
WHERE post_id IS NULL AND task_id IS NULL AND removed_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS uploads_unplaced_idx;
DROP INDEX CONCURRENTLY IF EXISTS uploads_unplaced_owner_idx;
DROP INDEX CONCURRENTLY IF EXISTS uploads_message_id_idx;
DELETE FROM role_permissions WHERE permission LIKE 'message:%';
DELETE FROM permissions WHERE code LIKE 'message:%';
ALTER TABLE uploads DROP CONSTRAINT IF EXISTS uploads_one_subject;
ALTER TABLE uploads ADD CONSTRAINT uploads_one_subject CHECK (num_nonnulls(post_id, task_id) <= 1);
COMMENT ON TABLE uploads IS 'Files of posts and tasks. The row is there before the file is in its store, and goes only after the file has gone from it.';
-- The worker removes what is on nothing.
ALTER TABLE uploads DROP COLUMN IF EXISTS message_id;
DROP TABLE IF EXISTS blocks;
DROP TABLE IF EXISTS message_reactions;
DROP TABLE IF EXISTS messages;
DROP TABLE IF EXISTS conversation_members;
DROP TABLE IF EXISTS conversations;
