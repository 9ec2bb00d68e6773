DROP TRIGGER reindex_person ON users;
DROP TRIGGER index_person ON users;
DROP TRIGGER reindex_comment ON comments;
DROP TRIGGER index_comment ON comments;
DROP TRIGGER reindex_post ON posts;
DROP TRIGGER index_post ON posts;
DROP FUNCTION index_person();
DROP FUNCTION name_person(users);
DROP FUNCTION index_comment();
DROP FUNCTION index_post();
DROP TABLE person_documents;
DROP TABLE comment_documents;
DROP TABLE post_documents;
DROP FUNCTION note_words(text);
DROP TABLE search_words;
DROP FUNCTION highlight(text, tsquery);
DROP FUNCTION make_query(text);
DROP FUNCTION make_words(text, text);
DROP TEXT SEARCH CONFIGURATION nexcorp_words;
DROP TEXT SEARCH CONFIGURATION nexcorp_text;
DROP TRIGGER cool_posts ON interests;
DROP TRIGGER cool_posts ON comments;
DROP TRIGGER cool_posts ON likes;
DROP TRIGGER warm_post ON interests;
DROP TRIGGER warm_post ON comments;
DROP TRIGGER warm_post ON likes;
DROP TRIGGER replace_in_explore ON posts;
DROP TRIGGER place_in_explore ON posts;
DROP FUNCTION cool_posts();
DROP FUNCTION warm_post();
DROP FUNCTION place_in_explore();
DROP FUNCTION measure_post(uuid, timestamptz);
DROP TABLE post_scores;
DROP AGGREGATE sum_heat(double precision);
DROP FUNCTION take_heat(double precision, double precision, double precision);
DROP FUNCTION add_heat(double precision, double precision);
DROP FUNCTION heat(timestamptz, double precision);
DROP EXTENSION unaccent;
DO $$
BEGIN
    -- Another migration may have made it, and have indexes that need it.
    DROP EXTENSION pg_trgm;
EXCEPTION WHEN dependent_objects_still_exist THEN
    NULL;
END
$$;
