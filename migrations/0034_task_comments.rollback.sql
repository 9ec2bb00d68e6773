-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS tasks_own_ref_idx;
DROP INDEX CONCURRENTLY IF EXISTS tasks_external_ref_idx;
-- Of two people's tasks without a project one keeps what an import knows both by.
UPDATE tasks AS t SET external_ref = NULL
WHERE t.project_id IS NULL
    AND t.external_ref IS NOT NULL
    AND EXISTS (
        SELECT FROM tasks AS o WHERE o.project_id IS NULL AND o.external_ref = t.external_ref AND o.id < t.id
    );
CREATE UNIQUE INDEX CONCURRENTLY tasks_external_ref_idx ON tasks (project_id, external_ref) NULLS NOT DISTINCT
WHERE external_ref IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS uploads_loose_owner_id_idx;
CREATE INDEX CONCURRENTLY uploads_loose_owner_id_idx ON uploads (owner_id) WHERE post_id IS NULL AND removed_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS uploads_free_idx;
DROP INDEX CONCURRENTLY IF EXISTS uploads_task_id_idx;
DROP INDEX CONCURRENTLY IF EXISTS comments_task_id_idx;
DELETE FROM search_rebuilds WHERE kind = 'task';
DROP TABLE IF EXISTS task_documents;
COMMENT ON TABLE uploads IS 'Files of posts. The row is there before the file is in its store, and goes only after the file has gone from it.';
ALTER TABLE uploads DROP COLUMN IF EXISTS task_id;
DELETE FROM comments WHERE post_id IS NULL;
COMMENT ON TABLE comments IS 'What people say to a post, and to each other, one level deep.';
ALTER TABLE comments DROP COLUMN IF EXISTS task_id;
ALTER TABLE comments ALTER COLUMN post_id SET NOT NULL;
