-- transactional: false
-- What happened in which project, posts about one, and what projects are found by. The release before goes on meanwhile: it
-- fills none of these columns. A second run begins where a first one ended.
SET lock_timeout = '5s';

ALTER TABLE events ADD COLUMN IF NOT EXISTS project_id uuid;
COMMENT ON COLUMN events.project_id IS 'The project in which it happened, for its activity. No foreign key: the trail outlives projects.';

ALTER TABLE posts ADD COLUMN IF NOT EXISTS project_id uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE posts DROP CONSTRAINT IF EXISTS posts_project_id_fkey;
ALTER TABLE posts ADD CONSTRAINT posts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects ON DELETE SET NULL NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE posts DROP CONSTRAINT IF EXISTS posts_link_of_project;
ALTER TABLE posts ADD CONSTRAINT posts_link_of_project CHECK (project_id IS NULL OR type = 'project') NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE posts VALIDATE CONSTRAINT posts_project_id_fkey;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE posts VALIDATE CONSTRAINT posts_link_of_project;
COMMENT ON COLUMN posts.project_id IS 'The project that a post of the type project looks for people for: whoever is assigned becomes an editor there.';

CREATE TABLE IF NOT EXISTS project_documents (
    project_id uuid CONSTRAINT project_documents_pkey PRIMARY KEY
    CONSTRAINT project_documents_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    words tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS project_documents_words_idx ON project_documents USING gin (words) WITH (gin_pending_list_limit = 512);
COMMENT ON TABLE project_documents IS 'What projects are found by. Written by the worker.';
-- Those that there are already.
INSERT INTO search_rebuilds (kind) VALUES ('project') ON CONFLICT ON CONSTRAINT search_rebuilds_pkey DO NOTHING;

INSERT INTO permissions (code, description) VALUES
('project:purge', 'Remove deleted projects for good.')
ON CONFLICT ON CONSTRAINT permissions_pkey DO NOTHING;
INSERT INTO role_permissions (role, permission) VALUES ('admin', 'project:purge')
ON CONFLICT ON CONSTRAINT role_permissions_pkey DO NOTHING;

RESET lock_timeout;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY posts_project_id_idx ON posts (project_id) WHERE project_id IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY projects_open_idx ON projects (id) WHERE visibility <> 'private' AND deleted_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY projects_trash_idx ON projects (deleted_at, id) WHERE deleted_at IS NOT NULL;
-- Of each partition, one after the other.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY events_project_idx ON events (project_id, created_at, id) WHERE project_id IS NOT NULL;
