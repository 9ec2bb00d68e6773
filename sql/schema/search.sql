-- Search: how texts and queries become words, and the documents that posts, comments and people are found by.

CREATE OR REPLACE FUNCTION make_words(title text, body text) RETURNS tsvector
LANGUAGE sql STABLE
AS $$
    -- The parser takes what is in angle brackets for markup, and words around a slash for the name of a file.
    SELECT setweight(to_tsvector('nexcorp_text', translate(coalesce(title, ''), '<>/', '   ')), 'A')
        || setweight(to_tsvector('nexcorp_text', translate(coalesce(body, ''), '<>/', '   ')), 'B')
$$;
COMMENT ON FUNCTION make_words(text, text) IS 'What a title and a text are found by; the title weighs more.';

CREATE OR REPLACE FUNCTION make_query(asked text) RETURNS tsquery
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

CREATE OR REPLACE FUNCTION highlight(shown text, query tsquery) RETURNS text
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

CREATE OR REPLACE FUNCTION note_words(written text) RETURNS void
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

CREATE OR REPLACE FUNCTION index_post() RETURNS trigger
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

CREATE OR REPLACE TRIGGER index_post AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION index_post();
COMMENT ON TRIGGER index_post ON posts IS 'A new post gets its row in post_documents, its new words go into search_words.';

CREATE OR REPLACE TRIGGER reindex_post AFTER UPDATE OF title, body, position ON posts
FOR EACH ROW WHEN ((OLD.title, OLD.body, OLD.position) IS DISTINCT FROM (NEW.title, NEW.body, NEW.position))
EXECUTE FUNCTION index_post();
COMMENT ON TRIGGER reindex_post ON posts IS 'A post whose text or place changes is indexed again.';

CREATE OR REPLACE FUNCTION index_comment() RETURNS trigger
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

CREATE OR REPLACE TRIGGER index_comment AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION index_comment();
COMMENT ON TRIGGER index_comment ON comments IS 'A new comment gets its row in comment_documents, its new words go into search_words.';

CREATE OR REPLACE TRIGGER reindex_comment AFTER UPDATE OF body ON comments
FOR EACH ROW WHEN (OLD.body IS DISTINCT FROM NEW.body) EXECUTE FUNCTION index_comment();
COMMENT ON TRIGGER reindex_comment ON comments IS 'A comment whose text changes is indexed again.';

CREATE OR REPLACE FUNCTION name_person(u users) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT concat_ws(' ', (u).first_name, (u).last_name, (u).username)
$$;
COMMENT ON FUNCTION name_person(users) IS 'All the names of a person: what they are found by.';

CREATE OR REPLACE FUNCTION index_person() RETURNS trigger
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

CREATE OR REPLACE TRIGGER index_person AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION index_person();
COMMENT ON TRIGGER index_person ON users IS 'A new person gets a row in person_documents, new names go into search_words.';

CREATE OR REPLACE TRIGGER reindex_person AFTER UPDATE OF username, first_name, last_name, status ON users
FOR EACH ROW WHEN (
    (OLD.username, OLD.first_name, OLD.last_name, OLD.status)
    IS DISTINCT FROM (NEW.username, NEW.first_name, NEW.last_name, NEW.status)
)
EXECUTE FUNCTION index_person();
COMMENT ON TRIGGER reindex_person ON users IS 'A person whose name or status changes is indexed again; who is not active is not found.';
