CREATE TABLE entity_reads (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    user_id uuid NOT NULL CONSTRAINT entity_reads_user_id_fkey REFERENCES users ON DELETE CASCADE,
    read_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT entity_reads_pkey PRIMARY KEY (entity_type, entity_id, user_id)
);
CREATE INDEX entity_reads_newest_idx ON entity_reads (entity_type, entity_id, read_at, user_id);
CREATE INDEX entity_reads_user_id_idx ON entity_reads (user_id);
COMMENT ON TABLE entity_reads IS 'Who says that they read something, which for now is a post. Its author has no row. Rows go with what was read.';
COMMENT ON COLUMN entity_reads.entity_type IS 'The kind, as in notifications: post.';
COMMENT ON COLUMN entity_reads.read_at IS 'When they said so first.';

CREATE TABLE thread_reads (
    thread uuid NOT NULL,
    user_id uuid NOT NULL CONSTRAINT thread_reads_user_id_fkey REFERENCES users ON DELETE CASCADE,
    upto uuid NOT NULL,
    CONSTRAINT thread_reads_pkey PRIMARY KEY (thread, user_id)
) WITH (fillfactor = 70);
CREATE INDEX thread_reads_user_id_idx ON thread_reads (user_id);
COMMENT ON TABLE thread_reads IS 'How far a person has read the comments on something. Rows go with what the comments are on.';
COMMENT ON COLUMN thread_reads.thread IS 'The id of what the comments are on, which for now is a post.';
COMMENT ON COLUMN thread_reads.upto IS 'The last comment that they read; all with a lower id were read, too. It only goes up, and may be deleted meanwhile. In no index, so that moving it leaves the indexes alone.';
