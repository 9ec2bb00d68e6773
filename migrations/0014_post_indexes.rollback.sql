-- transactional: false
DROP INDEX CONCURRENTLY posts_status_position_idx;
DROP INDEX CONCURRENTLY posts_projects_idx;
DROP INDEX CONCURRENTLY posts_announcements_idx;
DROP INDEX CONCURRENTLY posts_author_position_idx;
DROP INDEX CONCURRENTLY posts_position_idx;
DROP INDEX CONCURRENTLY posts_assignee_id_idx;
-- A validated constraint becomes an unvalidated one only by being made anew.
ALTER TABLE posts DROP CONSTRAINT posts_type_known;
ALTER TABLE posts ADD CONSTRAINT posts_type_known CHECK (type IN ('normal', 'announcement', 'project')) NOT VALID;
ALTER TABLE posts DROP CONSTRAINT posts_interest_count_positive;
ALTER TABLE posts ADD CONSTRAINT posts_interest_count_positive CHECK (interest_count >= 0) NOT VALID;
ALTER TABLE posts DROP CONSTRAINT posts_assignee_id_fkey;
ALTER TABLE posts ADD CONSTRAINT posts_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES users ON DELETE SET NULL NOT VALID;
ALTER TABLE posts DROP CONSTRAINT posts_assignee_of_project;
ALTER TABLE posts ADD CONSTRAINT posts_assignee_of_project CHECK (assignee_id IS NULL OR type = 'project') NOT VALID;
ALTER TABLE posts DROP CONSTRAINT posts_status_of_type;
ALTER TABLE posts ADD CONSTRAINT posts_status_of_type CHECK (
    CASE type
        WHEN 'normal' THEN status IS NULL
        WHEN 'announcement' THEN status IS NOT NULL AND status IN ('draft', 'published', 'archived')
        WHEN 'project' THEN status IS NOT NULL
            AND status IN ('open', 'in_progress', 'on_hold', 'completed', 'cancelled')
    END
) NOT VALID;
