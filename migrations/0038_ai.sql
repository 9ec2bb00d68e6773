-- Chats with a language model: a tree of messages, answers that workers lease, and passages of files to answer from.
SET LOCAL lock_timeout = '5s';

CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE ai_chats (
    id uuid DEFAULT uuidv7() CONSTRAINT ai_chats_pkey PRIMARY KEY,
    owner_id uuid NOT NULL CONSTRAINT ai_chats_owner_id_fkey REFERENCES users ON DELETE CASCADE,
    project_id uuid CONSTRAINT ai_chats_project_id_fkey REFERENCES projects ON DELETE SET NULL,
    title text CONSTRAINT ai_chats_title_length CHECK (length(title) BETWEEN 1 AND 200),
    model text CONSTRAINT ai_chats_model_length CHECK (length(model) BETWEEN 1 AND 200),
    leaf_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 85);
CREATE INDEX ai_chats_owner_id_idx ON ai_chats (owner_id, updated_at, id);
CREATE INDEX ai_chats_project_id_idx ON ai_chats (project_id) WHERE project_id IS NOT NULL;
COMMENT ON TABLE ai_chats IS 'What people ask a language model. A chat is its owner''s alone, whatever else others may do.';
COMMENT ON COLUMN ai_chats.project_id IS 'The project whose files its questions may be answered from.';
COMMENT ON COLUMN ai_chats.model IS 'The model that is asked; NULL: that of the settings.';
COMMENT ON COLUMN ai_chats.leaf_id IS 'The newest message of the branch that was written to last; NULL while there is none.';
COMMENT ON COLUMN ai_chats.updated_at IS 'When it was last changed or written to.';

CREATE TABLE ai_messages (
    id uuid DEFAULT uuidv7() CONSTRAINT ai_messages_pkey PRIMARY KEY,
    chat_id uuid NOT NULL CONSTRAINT ai_messages_chat_id_fkey REFERENCES ai_chats ON DELETE CASCADE,
    parent_id uuid CONSTRAINT ai_messages_parent_id_fkey REFERENCES ai_messages ON DELETE CASCADE,
    role text NOT NULL CONSTRAINT ai_messages_role_known CHECK (role IN ('user', 'assistant')),
    body text NOT NULL DEFAULT '' CONSTRAINT ai_messages_body_length CHECK (length(body) <= 1000000),
    context jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 85);
CREATE INDEX ai_messages_chat_id_idx ON ai_messages (chat_id, id);
CREATE INDEX ai_messages_parent_id_idx ON ai_messages (parent_id, id);
COMMENT ON TABLE ai_messages IS 'The messages of chats, as a tree: an edited question, or an answer made again, is a sibling of the first one.';
COMMENT ON COLUMN ai_messages.body IS 'Of an answer empty until it has ended; see ai_chunks.';
COMMENT ON COLUMN ai_messages.context IS 'Of a question: the files chosen for it, [{"fileId"}], and whether to search. Of an answer: what it was made from, [{"fileId", "version", "passage"}].';

CREATE TABLE ai_answers (
    message_id uuid CONSTRAINT ai_answers_pkey PRIMARY KEY
    CONSTRAINT ai_answers_message_id_fkey REFERENCES ai_messages ON DELETE CASCADE,
    chat_id uuid NOT NULL CONSTRAINT ai_answers_chat_id_fkey REFERENCES ai_chats ON DELETE CASCADE,
    owner_id uuid NOT NULL CONSTRAINT ai_answers_owner_id_fkey REFERENCES users ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'queued' CONSTRAINT ai_answers_status_known
    CHECK (status IN ('queued', 'running', 'done', 'incomplete', 'cancelled', 'failed')),
    reason text CONSTRAINT ai_answers_reason_length CHECK (length(reason) <= 500),
    attempts integer NOT NULL DEFAULT 0,
    failures smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    worker_id text,
    cancel_at timestamptz,
    prompt_tokens integer,
    completion_tokens integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    first_at timestamptz,
    ended_at timestamptz
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX ai_answers_one_per_chat ON ai_answers (chat_id) WHERE status IN ('queued', 'running');
CREATE INDEX ai_answers_chat_id_idx ON ai_answers (chat_id);
CREATE INDEX ai_answers_owner_id_idx ON ai_answers (owner_id);
CREATE INDEX ai_answers_live_idx ON ai_answers (owner_id) WHERE status IN ('queued', 'running');
CREATE INDEX ai_answers_due_idx ON ai_answers (next_at) WHERE status = 'queued';
CREATE INDEX ai_answers_lease_idx ON ai_answers (lease_until) WHERE status = 'running';
COMMENT ON TABLE ai_answers IS 'How each answer comes about. A worker leases one, renews the lease as it writes, and ends it; of a worker that died another one begins again.';
COMMENT ON COLUMN ai_answers.reason IS 'Why it is incomplete or has failed; while it is queued, why the last attempt did.';
COMMENT ON COLUMN ai_answers.attempts IS 'The number of the newest attempt: half of a position, the other half of which is an offset in its text. Never used twice.';
COMMENT ON COLUMN ai_answers.failures IS 'Attempts that failed; those that a worker handed back when it stopped are none.';
COMMENT ON COLUMN ai_answers.next_at IS 'When it is tried (again).';
COMMENT ON COLUMN ai_answers.cancel_at IS 'When its owner asked to end it.';
COMMENT ON COLUMN ai_answers.first_at IS 'When its first words came.';

CREATE TABLE ai_chunks (
    message_id uuid NOT NULL CONSTRAINT ai_chunks_message_id_fkey REFERENCES ai_messages ON DELETE CASCADE,
    attempt integer NOT NULL,
    at integer NOT NULL,
    text text NOT NULL,
    CONSTRAINT ai_chunks_pkey PRIMARY KEY (message_id, attempt, at)
);
COMMENT ON TABLE ai_chunks IS 'Answers as they come, ten parts a second at most; at its end they become the body. Appending to a row would write it anew each time.';
COMMENT ON COLUMN ai_chunks.at IS 'Where it stands in the answer of this attempt, in characters.';

CREATE TABLE ai_usage (
    user_id uuid NOT NULL CONSTRAINT ai_usage_user_id_fkey REFERENCES users ON DELETE CASCADE,
    day date NOT NULL,
    answers integer NOT NULL DEFAULT 0,
    prompt_tokens bigint NOT NULL DEFAULT 0,
    completion_tokens bigint NOT NULL DEFAULT 0,
    CONSTRAINT ai_usage_pkey PRIMARY KEY (user_id, day)
) WITH (fillfactor = 70);
COMMENT ON TABLE ai_usage IS 'What each person used on a day, UTC. Whoever asks locks theirs first, so that limits hold exactly.';

CREATE TABLE file_passages (
    file_id uuid NOT NULL CONSTRAINT file_passages_file_id_fkey REFERENCES files ON DELETE CASCADE,
    n integer NOT NULL,
    project_id uuid NOT NULL CONSTRAINT file_passages_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    version integer NOT NULL,
    path text NOT NULL,
    body text NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT file_passages_pkey PRIMARY KEY (file_id, n)
);
CREATE INDEX file_passages_words_idx ON file_passages USING gin (project_id, words) WITH (gin_pending_list_limit = 512);
CREATE INDEX file_passages_project_id_idx ON file_passages (project_id);
COMMENT ON TABLE file_passages IS 'Text files in parts of about 1,500 characters, for questions that are answered from a project. Made when a question needs them: each file has at least one, which says of which version and path they are.';

INSERT INTO permissions (code, description) VALUES ('ai:use', 'Ask a language model, and read one''s own chats with it.');
INSERT INTO role_permissions (role, permission) VALUES ('member', 'ai:use'), ('manager', 'ai:use'), ('admin', 'ai:use');
