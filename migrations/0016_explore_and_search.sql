CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Explore. A score is the logarithm of what a post's engagement weighs, where each part counts 2^(days since 1970)
-- as it happens: yesterday's weighs half of today's, and waiting never changes the order of two posts. So nothing
-- is computed anew as time goes by: only the post that somebody likes moves.
CREATE FUNCTION heat(happened_at timestamptz, weight double precision) RETURNS double precision
LANGUAGE sql STABLE
AS $$
    SELECT extract(epoch FROM happened_at)::double precision / 86400 + ln(weight) / ln(2::double precision)
$$;
COMMENT ON FUNCTION heat(timestamptz, double precision) IS 'What one like, comment or interest is as a score: a logarithm to the base 2, with a half-life of a day.';

CREATE FUNCTION add_heat(score double precision, added double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    -- power() raises on underflow, and 2^-60 is nothing to a double. A sum begins with NULL, which greatest() and
    -- least() pass over.
    SELECT greatest(score, added)
        + ln(1 + power(2::double precision, - least(abs(score - added), 60))) / ln(2::double precision)
$$;
COMMENT ON FUNCTION add_heat(double precision, double precision) IS 'The sum of two scores.';

CREATE FUNCTION take_heat(score double precision, taken double precision, least_score double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN score - taken < 1e-9 THEN least_score
        ELSE greatest(
            least_score,
            score + ln(1 - power(2::double precision, - least(score - taken, 60))) / ln(2::double precision)
        )
    END
$$;
COMMENT ON FUNCTION take_heat(double precision, double precision, double precision) IS 'A score without a part of it. What was rounded away does not take it below the least.';

CREATE AGGREGATE sum_heat(double precision) (SFUNC = add_heat, STYPE = double precision);
COMMENT ON AGGREGATE sum_heat(double precision) IS 'The sum of scores.';

CREATE TABLE post_scores (
    post_id uuid CONSTRAINT post_scores_pkey PRIMARY KEY
    CONSTRAINT post_scores_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    score double precision NOT NULL,
    least_score double precision NOT NULL
);
COMMENT ON TABLE post_scores IS 'The order of explore: posts that stand in lists, by recent engagement. A table of its own, so that posts are still updated in place. Written by triggers alone.';
COMMENT ON COLUMN post_scores.score IS 'log2 of the sum of weight * 2^(days since 1970) over publication 1, likes 1, comments 2 and interests 3.';
COMMENT ON COLUMN post_scores.least_score IS 'What the publication alone comes to.';

CREATE FUNCTION measure_post(wanted uuid, published_at timestamptz) RETURNS double precision
LANGUAGE sql STABLE
AS $$
    SELECT sum_heat(part)
    FROM (
        SELECT heat(published_at, 1) AS part
        UNION ALL SELECT heat(created_at, 1) FROM likes WHERE post_id = wanted
        UNION ALL SELECT heat(created_at, 2) FROM comments WHERE post_id = wanted
        UNION ALL SELECT heat(created_at, 3) FROM interests WHERE post_id = wanted
    ) AS parts
$$;
COMMENT ON FUNCTION measure_post(uuid, timestamptz) IS 'The score of a post as counted from all there is, for one that comes (back) into the lists.';

CREATE FUNCTION place_in_explore() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    published_at timestamptz := CASE WHEN TG_OP = 'INSERT' THEN NEW.created_at ELSE now() END;
BEGIN
    IF NEW.position IS NULL THEN
        DELETE FROM post_scores WHERE post_id = NEW.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO post_scores (post_id, score, least_score)
        VALUES (NEW.id, heat(published_at, 1), heat(published_at, 1));
    ELSE
        INSERT INTO post_scores (post_id, score, least_score)
        VALUES (NEW.id, measure_post(NEW.id, published_at), heat(published_at, 1))
        ON CONFLICT ON CONSTRAINT post_scores_pkey DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION place_in_explore() IS 'What stands in lists stands in explore, from its publication on.';
CREATE TRIGGER place_in_explore AFTER INSERT ON posts
FOR EACH ROW WHEN (NEW.position IS NOT NULL) EXECUTE FUNCTION place_in_explore();
CREATE TRIGGER replace_in_explore AFTER UPDATE OF position ON posts
FOR EACH ROW WHEN ((OLD.position IS NULL) <> (NEW.position IS NULL)) EXECUTE FUNCTION place_in_explore();

CREATE FUNCTION warm_post() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE post_scores
    SET score = add_heat(score, heat(NEW.created_at, TG_ARGV[0]::double precision))
    WHERE post_id = NEW.post_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION warm_post() IS 'A like, comment or interest (of the weight given) moves its post up.';

CREATE FUNCTION cool_posts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- Once a statement: a post that goes with 10,000 likes is not updated for each of them.
    UPDATE post_scores AS s
    SET score = take_heat(s.score, gone.taken, s.least_score)
    FROM (
        SELECT post_id, sum_heat(heat(created_at, TG_ARGV[0]::double precision)) AS taken
        FROM removed
        GROUP BY post_id
    ) AS gone
    WHERE s.post_id = gone.post_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cool_posts() IS 'Likes, comments or interests (of the weight given) that are taken back take their part of the score along.';

CREATE TRIGGER warm_post AFTER INSERT ON likes FOR EACH ROW EXECUTE FUNCTION warm_post('1');
CREATE TRIGGER warm_post AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION warm_post('2');
CREATE TRIGGER warm_post AFTER INSERT ON interests FOR EACH ROW EXECUTE FUNCTION warm_post('3');
CREATE TRIGGER cool_posts AFTER DELETE ON likes REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('1');
CREATE TRIGGER cool_posts AFTER DELETE ON comments REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('2');
CREATE TRIGGER cool_posts AFTER DELETE ON interests REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('3');

-- Search. Words are found without their accents and by their English stem.
CREATE TEXT SEARCH CONFIGURATION nexcorp_text (COPY = english);
ALTER TEXT SEARCH CONFIGURATION nexcorp_text
ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_text IS 'How texts and queries become words: without accents, by English stem.';
-- The words as they are written, for suggestions.
CREATE TEXT SEARCH CONFIGURATION nexcorp_words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION nexcorp_words
DROP MAPPING FOR email, url, host, sfloat, version, numword, numhword, hword_numpart, hword, asciihword,
url_path, file, float, int, uint;
ALTER TEXT SEARCH CONFIGURATION nexcorp_words
ALTER MAPPING FOR asciiword, hword_asciipart, word, hword_part WITH unaccent, simple;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_words IS 'The words of a text as they are written, without accents and numbers.';

CREATE FUNCTION make_words(title text, body text) RETURNS tsvector
LANGUAGE sql STABLE
AS $$
    -- The parser takes what is in angle brackets for markup, and words around a slash for the name of a file.
    SELECT setweight(to_tsvector('nexcorp_text', translate(coalesce(title, ''), '<>/', '   ')), 'A')
        || setweight(to_tsvector('nexcorp_text', translate(coalesce(body, ''), '<>/', '   ')), 'B')
$$;
COMMENT ON FUNCTION make_words(text, text) IS 'What a title and a text are found by; the title weighs more.';

CREATE FUNCTION make_query(asked text) RETURNS tsquery
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN websearch_to_tsquery('nexcorp_text', translate(asked, '<>/', '   '));
EXCEPTION WHEN internal_error THEN
    -- "tsquery stack too small": more than thirty signs of "without" before one word.
    RETURN plainto_tsquery('nexcorp_text', asked);
END
$$;
COMMENT ON FUNCTION make_query(text) IS 'What somebody asks for, in the language of web searches; no text is an error.';

CREATE FUNCTION highlight(shown text, query tsquery) RETURNS text
LANGUAGE sql STABLE
AS $$
    -- Characters of the private use area stand for marks, brackets and slashes until everything is escaped.
    SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(
        ts_headline(
            'nexcorp_text',
            translate(shown, U&'<>/\E000\E001\E002\E003\E004', U&'\E002\E003\E004'),
            query,
            U&'StartSel=\E000, StopSel=\E001, ' || CASE
                WHEN length(shown) <= 200 THEN 'HighlightAll=true'
                ELSE 'MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'
            END
        ),
        '&', '&amp;'), '"', '&quot;'), '''', '&#39;'), '`', '&#96;'),
        U&'\E002', '&lt;'), U&'\E003', '&gt;'), U&'\E004', '/'), U&'\E000', '<mark>'), U&'\E001', '</mark>')
$$;
COMMENT ON FUNCTION highlight(text, tsquery) IS 'HTML: what was found in <mark>, everything else escaped; of a long text two parts around it.';

CREATE TABLE search_words (
    word text CONSTRAINT search_words_pkey PRIMARY KEY
);
COMMENT ON TABLE search_words IS 'Every word that was ever published, to suggest instead of a misspelt one. Written by triggers alone. Nobody is shown a word that finds them nothing.';

CREATE FUNCTION note_words(written text) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    -- In order, so that two writers of new words never wait for each other.
    INSERT INTO search_words (word)
    SELECT w
    FROM unnest(tsvector_to_array(to_tsvector('nexcorp_words', translate(written, '<>/', '   ')))) AS w
    WHERE length(w) BETWEEN 4 AND 40 AND NOT EXISTS (SELECT FROM search_words WHERE word = w)
    ORDER BY w
    ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING
$$;
COMMENT ON FUNCTION note_words(text) IS 'Remember the words of a text that are new.';

CREATE TABLE post_documents (
    post_id uuid CONSTRAINT post_documents_pkey PRIMARY KEY
    CONSTRAINT post_documents_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    recency uuid NOT NULL,
    words tsvector NOT NULL
);
COMMENT ON TABLE post_documents IS 'What posts are found by. Written by triggers alone; likes do not touch it.';
COMMENT ON COLUMN post_documents.recency IS 'The position in lists, for those in none the id: newer ones are looked through first.';

CREATE TABLE comment_documents (
    comment_id uuid CONSTRAINT comment_documents_pkey PRIMARY KEY
    CONSTRAINT comment_documents_comment_id_fkey REFERENCES comments ON DELETE CASCADE,
    words tsvector NOT NULL
);
COMMENT ON TABLE comment_documents IS 'What comments are found by. Written by triggers alone.';

CREATE TABLE person_documents (
    user_id uuid CONSTRAINT person_documents_pkey PRIMARY KEY
    CONSTRAINT person_documents_user_id_fkey REFERENCES users ON DELETE CASCADE,
    words tsvector NOT NULL
);
COMMENT ON TABLE person_documents IS 'What active people are found by: their names. Written by triggers alone.';

CREATE FUNCTION index_post() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO post_documents (post_id, recency, words)
    VALUES (NEW.id, coalesce(NEW.position, NEW.id), make_words(NEW.title, NEW.body))
    ON CONFLICT ON CONSTRAINT post_documents_pkey DO UPDATE
    SET recency = excluded.recency, words = excluded.words;
    IF NEW.position IS NOT NULL THEN
        PERFORM note_words(concat_ws(' ', NEW.title, NEW.body));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION index_post() IS 'A post is found from the moment of its commit.';
CREATE TRIGGER index_post AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION index_post();
CREATE TRIGGER reindex_post AFTER UPDATE OF title, body, position ON posts
FOR EACH ROW WHEN ((OLD.title, OLD.body, OLD.position) IS DISTINCT FROM (NEW.title, NEW.body, NEW.position))
EXECUTE FUNCTION index_post();

CREATE FUNCTION index_comment() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO comment_documents (comment_id, words)
    VALUES (NEW.id, make_words(NULL, NEW.body))
    ON CONFLICT ON CONSTRAINT comment_documents_pkey DO UPDATE SET words = excluded.words;
    PERFORM note_words(NEW.body);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION index_comment() IS 'A comment is found from the moment of its commit.';
CREATE TRIGGER index_comment AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION index_comment();
CREATE TRIGGER reindex_comment AFTER UPDATE OF body ON comments
FOR EACH ROW WHEN (OLD.body IS DISTINCT FROM NEW.body) EXECUTE FUNCTION index_comment();

CREATE FUNCTION name_person(u users) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT concat_ws(' ', (u).first_name, (u).last_name, (u).username)
$$;
COMMENT ON FUNCTION name_person(users) IS 'All the names of a person: what they are found by.';

CREATE FUNCTION index_person() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.status = 'active' THEN
        INSERT INTO person_documents (user_id, words)
        VALUES (NEW.id, make_words(name_person(NEW), NULL))
        ON CONFLICT ON CONSTRAINT person_documents_pkey DO UPDATE SET words = excluded.words;
        PERFORM note_words(name_person(NEW));
    ELSE
        DELETE FROM person_documents WHERE user_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION index_person() IS 'Active people are found by their names.';
CREATE TRIGGER index_person AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION index_person();
CREATE TRIGGER reindex_person AFTER UPDATE OF username, first_name, last_name, status ON users
FOR EACH ROW WHEN (
    (OLD.username, OLD.first_name, OLD.last_name, OLD.status)
    IS DISTINCT FROM (NEW.username, NEW.first_name, NEW.last_name, NEW.status)
)
EXECUTE FUNCTION index_person();
