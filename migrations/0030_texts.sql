-- transactional: false
-- Comments: one that is deleted while it has replies stays without text and author.
SET lock_timeout = '5s';
-- squawk-ignore ban-drop-not-null
ALTER TABLE comments ALTER COLUMN body DROP NOT NULL, ALTER COLUMN author_id DROP NOT NULL;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_placeholder_empty;
ALTER TABLE comments ADD CONSTRAINT comments_placeholder_empty CHECK (
    CASE WHEN body IS NULL THEN author_id IS NULL AND parent_id IS NULL ELSE author_id IS NOT NULL END
) NOT VALID;
ALTER TABLE comments VALIDATE CONSTRAINT comments_placeholder_empty;
COMMENT ON COLUMN comments.body IS 'NULL in the placeholder of a deleted comment that has replies.';
COMMENT ON COLUMN comments.author_id IS 'NULL in a placeholder, which tells nobody who it was.';
