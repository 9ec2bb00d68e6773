-- transactional: false
ALTER TABLE users VALIDATE CONSTRAINT users_job_title_length;
ALTER TABLE users VALIDATE CONSTRAINT users_department_length;
ALTER TABLE users VALIDATE CONSTRAINT users_location_length;
ALTER TABLE users VALIDATE CONSTRAINT users_bio_length;
ALTER TABLE users VALIDATE CONSTRAINT users_phone_length;
ALTER TABLE users VALIDATE CONSTRAINT users_avatar_url_length;
ALTER TABLE users VALIDATE CONSTRAINT users_status_known;
ALTER TABLE users VALIDATE CONSTRAINT users_email_set;
ALTER TABLE users VALIDATE CONSTRAINT users_username_reserved;
-- The runner puts no transaction around this file.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY users_search_idx ON users USING gin (search_text(username, first_name, last_name) gin_trgm_ops);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY users_status_idx ON users (status, id);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY users_role_idx ON users (role, status, id);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY users_unscrubbed_idx ON users (left_at) WHERE left_at IS NOT NULL AND scrubbed_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY sessions_last_used_idx ON sessions (user_id, refreshed_at);
