-- transactional: false
-- The index of a partitioned table goes with its parts, and not concurrently.
DROP INDEX IF EXISTS events_project_idx;
DROP INDEX CONCURRENTLY IF EXISTS projects_trash_idx;
DROP INDEX CONCURRENTLY IF EXISTS projects_open_idx;
DROP INDEX CONCURRENTLY IF EXISTS posts_project_id_idx;
DELETE FROM role_permissions WHERE permission = 'project:purge';
DELETE FROM permissions WHERE code = 'project:purge';
DELETE FROM search_rebuilds WHERE kind = 'project';
DROP TABLE IF EXISTS project_documents;
ALTER TABLE posts DROP CONSTRAINT IF EXISTS posts_link_of_project;
ALTER TABLE posts DROP CONSTRAINT IF EXISTS posts_project_id_fkey;
ALTER TABLE posts DROP COLUMN IF EXISTS project_id;
ALTER TABLE events DROP COLUMN IF EXISTS project_id;
