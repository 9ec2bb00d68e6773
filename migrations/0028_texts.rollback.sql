-- transactional: false
CREATE OR REPLACE FUNCTION search_text(username citext, first_name text, last_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT lower(' ' || username::text || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))
$$;
REINDEX INDEX CONCURRENTLY users_search_idx;
DROP FUNCTION fold_text(text);
CREATE INDEX CONCURRENTLY search_words_near_idx ON search_words USING gist (lower(word) gist_trgm_ops);
DROP INDEX CONCURRENTLY search_words_end_idx;
DROP INDEX CONCURRENTLY search_words_start_idx;
DROP EXTENSION fuzzystrmatch;
DROP TABLE search_rebuilds;
-- The documents keep their words, by which most of what is asked is found.
DROP TEXT SEARCH CONFIGURATION nexcorp_names;
DROP TEXT SEARCH CONFIGURATION nexcorp_all;
DROP TEXT SEARCH DICTIONARY nexcorp_stem;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_text IS 'How texts and queries become words: without accents, by English stem.';
-- The release before knows no placeholders: their replies become comments of their own.
UPDATE comments AS c SET parent_id = NULL FROM comments AS p WHERE p.id = c.parent_id AND p.body IS NULL;
DELETE FROM comments WHERE body IS NULL;
ALTER TABLE comments DROP CONSTRAINT comments_placeholder_empty;
ALTER TABLE comments ALTER COLUMN body SET NOT NULL, ALTER COLUMN author_id SET NOT NULL;
COMMENT ON COLUMN comments.body IS NULL;
COMMENT ON COLUMN comments.author_id IS NULL;
