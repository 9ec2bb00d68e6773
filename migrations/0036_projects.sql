-- Projects as such, their files, what is edited in these together, and sessions.
SET LOCAL lock_timeout = '5s';

ALTER TABLE projects ADD COLUMN deleted_by uuid;
ALTER TABLE projects ADD CONSTRAINT projects_deleted_by_fkey FOREIGN KEY (deleted_by) REFERENCES users ON DELETE SET NULL NOT VALID;
ALTER TABLE projects ADD COLUMN file_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE projects ADD CONSTRAINT projects_quota CHECK (file_bytes BETWEEN 0 AND 1073741824) NOT VALID;
-- Projects are few: reading them all takes no longer than a write may wait.
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE projects VALIDATE CONSTRAINT projects_deleted_by_fkey;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE projects VALIDATE CONSTRAINT projects_quota;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX projects_deleted_by_idx ON projects (deleted_by) WHERE deleted_by IS NOT NULL;
COMMENT ON COLUMN projects.deleted_by IS 'Who put it into the trash.';
COMMENT ON COLUMN projects.file_bytes IS 'What its files hold, those in the trash too: their newest content, in bytes. The constraint is the quota.';

CREATE TABLE files (
    id uuid DEFAULT uuidv7() CONSTRAINT files_pkey PRIMARY KEY,
    project_id uuid NOT NULL CONSTRAINT files_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    path text NOT NULL,
    kind text NOT NULL CONSTRAINT files_kind_known CHECK (kind IN ('text', 'binary')),
    type text NOT NULL CONSTRAINT files_type_length CHECK (length(type) BETWEEN 3 AND 200),
    eol text NOT NULL DEFAULT 'lf' CONSTRAINT files_eol_known CHECK (eol IN ('lf', 'crlf')),
    bytes bigint NOT NULL DEFAULT 0 CONSTRAINT files_bytes_positive CHECK (bytes >= 0),
    content_version integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    creator_id uuid CONSTRAINT files_creator_id_fkey REFERENCES users ON DELETE SET NULL,
    deleted_at timestamptz,
    deleted_by uuid CONSTRAINT files_deleted_by_fkey REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT files_path_length CHECK (octet_length(path) BETWEEN 1 AND 512),
    CONSTRAINT files_path_form CHECK (
        path !~* '(^|/)(\.{0,2}|\.git)(/|$)'
        AND path !~ '[[:cntrl:]\\:*?"<>|]'
        AND path IS NFC NORMALIZED
    )
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX files_path_key ON files (project_id, (lower(path) COLLATE "C")) WHERE deleted_at IS NULL;
CREATE INDEX files_project_id_idx ON files (project_id);
CREATE INDEX files_creator_id_idx ON files (creator_id);
CREATE INDEX files_deleted_by_idx ON files (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE INDEX files_trash_idx ON files (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON TABLE files IS 'Files of projects. A folder is a common beginning of paths.';
COMMENT ON COLUMN files.kind IS 'text: UTF-8 that people edit together; binary: bytes that are replaced as a whole.';
COMMENT ON COLUMN files.type IS 'The media type.';
COMMENT ON COLUMN files.eol IS 'How lines of a text end when it is read; it is kept with LF.';
COMMENT ON COLUMN files.bytes IS 'Of the newest version.';
COMMENT ON COLUMN files.content_version IS 'The number of the newest version.';
COMMENT ON COLUMN files.version IS 'Of this row: path and type, not content.';

CREATE TABLE file_docs (
    file_id uuid CONSTRAINT file_docs_pkey PRIMARY KEY CONSTRAINT file_docs_file_id_fkey REFERENCES files ON DELETE CASCADE,
    last_seq bigint NOT NULL DEFAULT 0,
    settled_seq bigint NOT NULL DEFAULT 0,
    root text CONSTRAINT file_docs_root_length CHECK (octet_length(root) <= 256),
    edited_at timestamptz,
    dirty_since timestamptz,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 70);
CREATE INDEX file_docs_dirty_idx ON file_docs (dirty_since) WHERE dirty_since IS NOT NULL;
COMMENT ON TABLE file_docs IS 'Text files as they are edited together: how far the log of each has come, and its settling.';
COMMENT ON COLUMN file_docs.last_seq IS 'The number of the newest update in file_updates, even if it has gone from there.';
COMMENT ON COLUMN file_docs.settled_seq IS 'How far snapshot, text and versions have come.';
COMMENT ON COLUMN file_docs.root IS 'The name of the shared type that holds the text; NULL: content.';
COMMENT ON COLUMN file_docs.edited_at IS 'When the newest update came.';
COMMENT ON COLUMN file_docs.dirty_since IS 'When the oldest update came that is not settled; NULL: all are.';
COMMENT ON COLUMN file_docs.lease_until IS 'Until when one worker settles it alone.';

CREATE TABLE file_snapshots (
    file_id uuid CONSTRAINT file_snapshots_pkey PRIMARY KEY
    CONSTRAINT file_snapshots_file_id_fkey REFERENCES file_docs ON DELETE CASCADE,
    seq bigint NOT NULL,
    state bytea NOT NULL
);
ALTER TABLE file_snapshots ALTER COLUMN state SET STORAGE EXTERNAL;
COMMENT ON TABLE file_snapshots IS 'A document with all updates up to `seq`, as one Yjs update (v1).';

CREATE TABLE file_updates (
    file_id uuid NOT NULL CONSTRAINT file_updates_file_id_fkey REFERENCES file_docs ON DELETE CASCADE,
    seq bigint NOT NULL,
    author_id uuid,
    node bigint NOT NULL,
    update bytea NOT NULL CONSTRAINT file_updates_size CHECK (octet_length(update) <= 33554432),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT file_updates_pkey PRIMARY KEY (file_id, seq)
);
ALTER TABLE file_updates ALTER COLUMN update SET STORAGE EXTERNAL;
COMMENT ON TABLE file_updates IS 'The log of each text file: Yjs updates (v1) in their order, without gaps. Settled ones go after a minute.';
COMMENT ON COLUMN file_updates.author_id IS 'Who typed. No foreign key: the text outlives its people.';
COMMENT ON COLUMN file_updates.node IS 'Which process stored it, which has relayed it already; 0: a request or a worker, which relays nothing.';

CREATE TABLE file_versions (
    file_id uuid NOT NULL CONSTRAINT file_versions_file_id_fkey REFERENCES files ON DELETE CASCADE,
    n integer NOT NULL,
    cause text NOT NULL
    CONSTRAINT file_versions_cause_known CHECK (cause IN ('created', 'edited', 'put', 'restored')),
    restored_from integer,
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL CONSTRAINT file_versions_sha256_length CHECK (octet_length(sha256) = 32),
    author_ids uuid[] NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT file_versions_pkey PRIMARY KEY (file_id, n)
);
CREATE INDEX file_versions_sha256_idx ON file_versions (sha256);
COMMENT ON TABLE file_versions IS 'Each saved content of a file.';
COMMENT ON COLUMN file_versions.cause IS 'created: with the file; edited: typed together; put: replaced by a request; restored: an earlier one again.';
COMMENT ON COLUMN file_versions.sha256 IS 'Its content in file_chunks.';
COMMENT ON COLUMN file_versions.author_ids IS 'Whose changes it holds. No foreign keys: the text outlives its people.';
COMMENT ON COLUMN file_versions.seq IS 'The newest update that it holds; 0 for binaries.';

CREATE TABLE file_chunks (
    sha256 bytea NOT NULL,
    part integer NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT file_chunks_pkey PRIMARY KEY (sha256, part)
);
ALTER TABLE file_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE file_chunks IS 'Contents of versions, each once: compressed with zlib, then cut into parts of 1 MB. Those of no version are swept.';

CREATE TABLE file_documents (
    file_id uuid CONSTRAINT file_documents_pkey PRIMARY KEY
    CONSTRAINT file_documents_file_id_fkey REFERENCES files ON DELETE CASCADE,
    body text NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX file_documents_words_idx ON file_documents USING gin (words) WITH (gin_pending_list_limit = 512);
COMMENT ON TABLE file_documents IS 'What files are found by: their path and their text. Written by the worker.';
COMMENT ON COLUMN file_documents.body IS 'The beginning of a text, up to 100,000 characters: contents are packed. Empty for binaries.';

CREATE TABLE collab_sessions (
    id uuid DEFAULT uuidv7() CONSTRAINT collab_sessions_pkey PRIMARY KEY,
    project_id uuid NOT NULL CONSTRAINT collab_sessions_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    file_id uuid CONSTRAINT collab_sessions_file_id_fkey REFERENCES files ON DELETE SET NULL,
    title text NOT NULL CONSTRAINT collab_sessions_title_length CHECK (length(title) BETWEEN 1 AND 200),
    host_id uuid CONSTRAINT collab_sessions_host_id_fkey REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX collab_sessions_project_id_idx ON collab_sessions (project_id, id);
CREATE INDEX collab_sessions_file_id_idx ON collab_sessions (file_id) WHERE file_id IS NOT NULL;
CREATE INDEX collab_sessions_host_id_idx ON collab_sessions (host_id);
CREATE INDEX collab_sessions_live_idx ON collab_sessions (project_id, id) WHERE ended_at IS NULL;
COMMENT ON TABLE collab_sessions IS 'Times at which people work on a project together.';
COMMENT ON COLUMN collab_sessions.file_id IS 'The file that it is about; NULL: the whole project.';
COMMENT ON COLUMN collab_sessions.ended_at IS 'When it was ended, or had been empty for 24 hours; NULL while it lives.';

CREATE TABLE session_participants (
    session_id uuid CONSTRAINT session_participants_session_id_fkey REFERENCES collab_sessions ON DELETE CASCADE,
    user_id uuid CONSTRAINT session_participants_user_id_fkey REFERENCES users ON DELETE CASCADE,
    joined_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    left_at timestamptz,
    CONSTRAINT session_participants_pkey PRIMARY KEY (session_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX session_participants_here_idx ON session_participants (user_id) WHERE left_at IS NULL;
CREATE INDEX session_participants_user_id_idx ON session_participants (user_id);
COMMENT ON TABLE session_participants IS 'Who took part in which session.';
COMMENT ON COLUMN session_participants.seen_at IS 'When they were last heard of; unseen for 60 seconds they have left.';
COMMENT ON COLUMN session_participants.left_at IS 'NULL while they are there.';

CREATE UNLOGGED TABLE file_editors (
    file_id uuid NOT NULL,
    user_id uuid NOT NULL,
    node bigint NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT file_editors_pkey PRIMARY KEY (file_id, user_id, node)
) WITH (fillfactor = 50);
COMMENT ON TABLE file_editors IS 'Who has which file open on which process, as each of these says every few seconds; may be lost.';

INSERT INTO permissions (code, description) VALUES
('project:read', 'Read the projects that one is a member of, and those that are open to the company, with their files.'),
('project:create', 'Create projects, and change those of which one is an owner or editor, with their files.'),
('project:manage', 'Act in every project as its owner.');
INSERT INTO role_permissions (role, permission)
SELECT r.role, p.code
FROM (VALUES ('member', 1), ('manager', 2), ('admin', 3)) AS r (role, level)
INNER JOIN (VALUES ('project:read', 1), ('project:create', 1), ('project:manage', 2)) AS p (code, level) ON p.level <= r.level;
