-- transactional: false
-- The release before knows no placeholders: their replies become comments of their own.
UPDATE comments AS c SET parent_id = NULL FROM comments AS p WHERE p.id = c.parent_id AND p.body IS NULL;
DELETE FROM comments WHERE body IS NULL;
ALTER TABLE comments DROP CONSTRAINT comments_placeholder_empty;
ALTER TABLE comments ALTER COLUMN body SET NOT NULL, ALTER COLUMN author_id SET NOT NULL;
COMMENT ON COLUMN comments.body IS NULL;
COMMENT ON COLUMN comments.author_id IS NULL;
