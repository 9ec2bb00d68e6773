-- What pictures show, the charset of texts, and exports that are written and read in parts.
ALTER TABLE uploads
ADD COLUMN alt text,
ADD COLUMN charset text;
COMMENT ON COLUMN uploads.alt IS 'What the picture shows, for those who cannot see it, in its owner''s words.';
COMMENT ON COLUMN uploads.charset IS 'That of a text: NULL is UTF-8, empty one of many that cannot be told apart.';

ALTER TABLE data_exports ADD COLUMN bytes bigint;
COMMENT ON COLUMN data_exports.bytes IS 'Length of the file, compressed.';
COMMENT ON COLUMN data_exports.body IS 'The file as releases before 0027 wrote it; not used any more.';

CREATE TABLE data_export_parts (
    user_id uuid CONSTRAINT data_export_parts_user_id_fkey REFERENCES data_exports ON DELETE CASCADE,
    number integer,
    body bytea NOT NULL,
    CONSTRAINT data_export_parts_pkey PRIMARY KEY (user_id, number)
);
-- It is compressed already.
ALTER TABLE data_export_parts ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE data_export_parts IS 'The files of exports in parts, so that neither worker nor web ever has a whole one in memory.';
COMMENT ON COLUMN data_export_parts.number IS 'Its place, from 0.';
COMMENT ON COLUMN data_export_parts.body IS 'A piece of one gzip stream of JSON.';

-- Whoever asks for one that is ready gets a new one.
UPDATE data_exports SET body = NULL, expires_at = now() WHERE body IS NOT NULL;
