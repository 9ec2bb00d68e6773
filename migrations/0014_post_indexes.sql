-- transactional: false
-- The runner puts no transaction around this file.
ALTER TABLE posts VALIDATE CONSTRAINT posts_type_known;
ALTER TABLE posts VALIDATE CONSTRAINT posts_status_of_type;
ALTER TABLE posts VALIDATE CONSTRAINT posts_interest_count_positive;
ALTER TABLE posts VALIDATE CONSTRAINT posts_assignee_of_project;
ALTER TABLE posts VALIDATE CONSTRAINT posts_assignee_id_fkey;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY posts_assignee_id_idx ON posts (assignee_id) WHERE assignee_id IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE UNIQUE INDEX CONCURRENTLY posts_position_idx ON posts (position) INCLUDE (author_id);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY posts_author_position_idx ON posts (author_id, position);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY posts_announcements_idx ON posts (position) WHERE type = 'announcement';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY posts_projects_idx ON posts (position) WHERE type = 'project';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY posts_status_position_idx ON posts (status, position) WHERE status IS NOT NULL;
