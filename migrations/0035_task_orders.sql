-- transactional: false
-- What lists are read by: tasks of a project or a person in every order. A second run begins where a first one ended.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_project_updated_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_project_updated_idx ON tasks (project_id, updated_at, id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_project_due_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_project_due_idx ON tasks (project_id, (coalesce(due_at, 'infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_project_priority_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_project_priority_idx ON tasks (project_id, priority, id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_creator_updated_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_creator_updated_idx ON tasks (creator_id, updated_at, id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_creator_due_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_creator_due_idx ON tasks (creator_id, (coalesce(due_at, 'infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_creator_priority_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_creator_priority_idx ON tasks (creator_id, priority, id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_assignee_updated_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_assignee_updated_idx ON tasks (assignee_id, updated_at, id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_assignee_due_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_assignee_due_idx ON tasks (assignee_id, (coalesce(due_at, 'infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS tasks_assignee_priority_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY tasks_assignee_priority_idx ON tasks (assignee_id, priority, id) WHERE deleted_at IS NULL;
