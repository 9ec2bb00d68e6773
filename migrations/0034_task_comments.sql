-- transactional: false
-- Comments and files of tasks, and what tasks are found by. The release before writes comments on posts, and files of
-- posts or of nothing, meanwhile. A second run begins where a first one ended.
SET lock_timeout = '5s';

-- squawk-ignore ban-drop-not-null
ALTER TABLE comments ALTER COLUMN post_id DROP NOT NULL;
ALTER TABLE comments ADD COLUMN IF NOT EXISTS task_id uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_task_id_fkey;
ALTER TABLE comments ADD CONSTRAINT comments_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks ON DELETE CASCADE NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_one_subject;
ALTER TABLE comments ADD CONSTRAINT comments_one_subject CHECK (num_nonnulls(post_id, task_id) = 1) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE comments VALIDATE CONSTRAINT comments_task_id_fkey;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE comments VALIDATE CONSTRAINT comments_one_subject;
COMMENT ON TABLE comments IS 'What people say to a post or a task, and to each other, one level deep.';
COMMENT ON COLUMN comments.task_id IS 'The task that it is on; NULL where it is on a post.';

ALTER TABLE uploads ADD COLUMN IF NOT EXISTS task_id uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE uploads DROP CONSTRAINT IF EXISTS uploads_task_id_fkey;
ALTER TABLE uploads ADD CONSTRAINT uploads_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks ON DELETE SET NULL NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE uploads DROP CONSTRAINT IF EXISTS uploads_one_subject;
ALTER TABLE uploads ADD CONSTRAINT uploads_one_subject CHECK (num_nonnulls(post_id, task_id) <= 1) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE uploads VALIDATE CONSTRAINT uploads_task_id_fkey;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE uploads VALIDATE CONSTRAINT uploads_one_subject;
COMMENT ON TABLE uploads IS 'Files of posts and tasks. The row is there before the file is in its store, and goes only after the file has gone from it.';
COMMENT ON COLUMN uploads.task_id IS 'The task that it is on; NULL where it is on a post, or on nothing yet.';

CREATE TABLE IF NOT EXISTS task_documents (
    task_id uuid CONSTRAINT task_documents_pkey PRIMARY KEY
    CONSTRAINT task_documents_task_id_fkey REFERENCES tasks ON DELETE CASCADE,
    words tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS task_documents_words_idx ON task_documents USING gin (words) WITH (gin_pending_list_limit = 512);
COMMENT ON TABLE task_documents IS 'What tasks are found by. Written by the worker.';
-- Those that there are already.
INSERT INTO search_rebuilds (kind) VALUES ('task') ON CONFLICT ON CONSTRAINT search_rebuilds_pkey DO NOTHING;

RESET lock_timeout;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS comments_task_id_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY comments_task_id_idx ON comments (task_id, id) WHERE task_id IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_task_id_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY uploads_task_id_idx ON uploads (task_id) WHERE task_id IS NOT NULL;
-- Files on a task are no more counted as loose than those on a post.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_free_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY uploads_free_idx ON uploads (owner_id)
WHERE post_id IS NULL AND task_id IS NULL AND removed_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_loose_owner_id_idx;
-- Without a project, what an import knows a task by is its creator's alone.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_external_ref_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE UNIQUE INDEX CONCURRENTLY tasks_external_ref_idx ON tasks (project_id, external_ref)
WHERE external_ref IS NOT NULL AND project_id IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_own_ref_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE UNIQUE INDEX CONCURRENTLY tasks_own_ref_idx ON tasks (creator_id, external_ref)
WHERE external_ref IS NOT NULL AND project_id IS NULL;
