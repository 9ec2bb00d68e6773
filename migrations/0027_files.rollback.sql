DELETE FROM data_exports WHERE bytes IS NOT NULL;
DROP TABLE data_export_parts;
ALTER TABLE data_exports DROP COLUMN bytes;
COMMENT ON COLUMN data_exports.body IS 'JSON, compressed with gzip.';
ALTER TABLE uploads DROP COLUMN charset, DROP COLUMN alt;
