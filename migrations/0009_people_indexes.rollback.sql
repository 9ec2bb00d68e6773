-- transactional: false
DROP INDEX CONCURRENTLY sessions_last_used_idx;
DROP INDEX CONCURRENTLY users_unscrubbed_idx;
DROP INDEX CONCURRENTLY users_role_idx;
DROP INDEX CONCURRENTLY users_status_idx;
DROP INDEX CONCURRENTLY users_search_idx;
ALTER TABLE users
DROP CONSTRAINT users_job_title_length,
DROP CONSTRAINT users_department_length,
DROP CONSTRAINT users_location_length,
DROP CONSTRAINT users_bio_length,
DROP CONSTRAINT users_phone_length,
DROP CONSTRAINT users_avatar_url_length,
DROP CONSTRAINT users_status_known,
DROP CONSTRAINT users_email_set,
DROP CONSTRAINT users_username_reserved,
ADD CONSTRAINT users_job_title_length CHECK (length(job_title) BETWEEN 1 AND 100) NOT VALID,
ADD CONSTRAINT users_department_length CHECK (length(department) BETWEEN 1 AND 100) NOT VALID,
ADD CONSTRAINT users_location_length CHECK (length(location) BETWEEN 1 AND 100) NOT VALID,
ADD CONSTRAINT users_bio_length CHECK (length(bio) BETWEEN 1 AND 2000) NOT VALID,
ADD CONSTRAINT users_phone_length CHECK (length(phone) BETWEEN 3 AND 40) NOT VALID,
ADD CONSTRAINT users_avatar_url_length CHECK (length(avatar_url) BETWEEN 8 AND 1000) NOT VALID,
ADD CONSTRAINT users_status_known CHECK (status IN ('active', 'deactivated', 'deleted')) NOT VALID,
ADD CONSTRAINT users_email_set CHECK (email IS NOT NULL OR status = 'deleted') NOT VALID,
ADD CONSTRAINT users_username_reserved CHECK (status = 'deleted' OR username !~ '^former_[0-9a-f]{12}$') NOT VALID;
