-- transactional: false
-- The runner puts no transaction around this file, which can be run again from its beginning.
-- Comments: one that is deleted while it has replies stays without text and author.
SET lock_timeout = '5s';
-- squawk-ignore ban-drop-not-null
ALTER TABLE comments ALTER COLUMN body DROP NOT NULL, ALTER COLUMN author_id DROP NOT NULL;
-- squawk-ignore ban-drop-constraint
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_placeholder_empty;
ALTER TABLE comments ADD CONSTRAINT comments_placeholder_empty CHECK (
    CASE WHEN body IS NULL THEN author_id IS NULL AND parent_id IS NULL ELSE author_id IS NOT NULL END
) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE comments VALIDATE CONSTRAINT comments_placeholder_empty;
COMMENT ON COLUMN comments.body IS 'NULL in the placeholder of a deleted comment that has replies.';
COMMENT ON COLUMN comments.author_id IS 'NULL in a placeholder, which tells nobody who it was.';

-- Search: stop words are found, and names as they are written.
DROP TEXT SEARCH CONFIGURATION IF EXISTS nexcorp_names;
DROP TEXT SEARCH CONFIGURATION IF EXISTS nexcorp_all;
DROP TEXT SEARCH DICTIONARY IF EXISTS nexcorp_stem;
CREATE TEXT SEARCH DICTIONARY nexcorp_stem (TEMPLATE = snowball, LANGUAGE = english);
COMMENT ON TEXT SEARCH DICTIONARY nexcorp_stem IS 'English stems of all words, stop words too.';
CREATE TEXT SEARCH CONFIGURATION nexcorp_all (COPY = nexcorp_text);
ALTER TEXT SEARCH CONFIGURATION nexcorp_all
ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, nexcorp_stem;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_all IS 'How texts become words: as nexcorp_text, with stop words.';
CREATE TEXT SEARCH CONFIGURATION nexcorp_names (COPY = nexcorp_text);
ALTER TEXT SEARCH CONFIGURATION nexcorp_names
ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, simple;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_names IS 'How names become words: without accents, and nothing else.';
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_text IS 'How queries become words: without accents and stop words, by English stem.';

CREATE TABLE IF NOT EXISTS search_rebuilds (
    kind text CONSTRAINT search_rebuilds_pkey PRIMARY KEY,
    before uuid NOT NULL DEFAULT 'ffffffff-ffff-ffff-ffff-ffffffffffff'
);
COMMENT ON TABLE search_rebuilds IS 'Kinds of search whose documents are made anew, part by part, by a job of the worker. A row inserted by hand does it again.';
COMMENT ON COLUMN search_rebuilds.before IS 'What is newer than this id is done.';
INSERT INTO search_rebuilds (kind)
SELECT 'post' WHERE EXISTS (SELECT FROM posts)
UNION ALL SELECT 'comment' WHERE EXISTS (SELECT FROM comments)
UNION ALL SELECT 'person' WHERE EXISTS (SELECT FROM users)
ON CONFLICT ON CONSTRAINT search_rebuilds_pkey DO NOTHING;
-- Words that are taken apart otherwise by now: each stays if a text has it.
INSERT INTO search_doubts (word) SELECT word FROM search_words WHERE word !~ '^[a-z]+$';

-- Near words: those with the same beginning or end and about the same length. By trigrams it took 100 ms a word.
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS search_words_start_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY search_words_start_idx ON search_words (length(word), (word COLLATE "C"));
DROP INDEX CONCURRENTLY IF EXISTS search_words_end_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY search_words_end_idx ON search_words (length(word), (reverse(word) COLLATE "C"));
DROP INDEX CONCURRENTLY IF EXISTS search_words_near_idx;

-- People are found without accents, however their names are composed. fold_text() is in sql/schema from now on; the index
-- is made anew with it.
CREATE OR REPLACE FUNCTION fold_text(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- Taken apart, accents are characters of their own; what Unicode does not take apart is replaced letter by letter.
    -- Vowel points, fillers of no width, selectors of variants and colours of skin go as well.
    SELECT CASE
        WHEN octet_length(written) = length(written) THEN lower(written)
        ELSE replace(replace(translate(
            lower(normalize(
                regexp_replace(
                    normalize(written, NFKD),
                    '[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff]+',
                    '', 'g'
                ),
                NFC
            )),
            'øłđðħŧıς', 'olddhtiσ'
        ), 'ß', 'ss'), 'æ', 'ae')
    END
$$;
CREATE OR REPLACE FUNCTION search_text(username citext, first_name text, last_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT public.fold_text(' ' || username::text || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))
$$;
REINDEX INDEX CONCURRENTLY users_search_idx;
