ALTER TABLE uploads ADD COLUMN arrived_at timestamptz;
UPDATE uploads SET arrived_at = created_at;
COMMENT ON TABLE uploads IS 'Files of posts. The row is there before the file is in its store, and goes only after the file has gone from it.';
COMMENT ON COLUMN uploads.arrived_at IS 'When the file was in its store. NULL: on its way, seen by nobody, removed after an hour.';
COMMENT ON COLUMN uploads.removed_at IS 'From then on the worker may remove it from the store; a worker that tries puts it ahead.';

-- A person's rows must not go with the person: the files would stay in the store for ever.
-- squawk-ignore ban-drop-not-null
ALTER TABLE uploads ALTER COLUMN owner_id DROP NOT NULL;
-- squawk-ignore ban-drop-constraint
ALTER TABLE uploads DROP CONSTRAINT uploads_owner_id_fkey;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ALTER TABLE uploads ADD CONSTRAINT uploads_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users ON DELETE SET NULL;
COMMENT ON COLUMN uploads.owner_id IS 'Who uploaded it; NULL once they are gone, and it goes with their posts.';

CREATE TABLE thumbnail_queue (
    upload_id uuid CONSTRAINT thumbnail_queue_pkey PRIMARY KEY
        CONSTRAINT thumbnail_queue_upload_id_fkey REFERENCES uploads ON DELETE CASCADE,
    next_at timestamptz NOT NULL DEFAULT now(),
    attempts smallint NOT NULL DEFAULT 0
);
COMMENT ON TABLE thumbnail_queue IS 'Images whose thumbnail has still to be made.';
COMMENT ON COLUMN thumbnail_queue.next_at IS 'A worker that tries puts it ahead, so that no other does the same.';
CREATE INDEX thumbnail_queue_next_at_idx ON thumbnail_queue (next_at);

INSERT INTO permissions (code, description) VALUES ('upload:create', 'Upload files, and delete one''s own.');
INSERT INTO role_permissions (role, permission)
VALUES ('admin', 'upload:create'), ('manager', 'upload:create'), ('member', 'upload:create');
