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

CREATE OR REPLACE FUNCTION name_person(u users) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT concat_ws(' ', (u).first_name, (u).last_name, (u).username)
$$;
COMMENT ON FUNCTION name_person(users) IS 'All the names of a person: what they are found by.';

CREATE OR REPLACE FUNCTION list_words(written text) RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
    SELECT w
    FROM unnest(tsvector_to_array(to_tsvector('nexcorp_words', translate(written, '<>/', '   ')))) AS w
    WHERE length(w) BETWEEN 4 AND 40
$$;
COMMENT ON FUNCTION list_words(text) IS 'The words of a text that may be suggested, as search_words has them.';

CREATE OR REPLACE FUNCTION doubt_words() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- NEW is NULL where the row is deleted.
    INSERT INTO search_doubts (word)
    SELECT w FROM unnest(TG_ARGV) AS name CROSS JOIN LATERAL list_words(to_jsonb(OLD) ->> name) AS w
    EXCEPT
    SELECT w FROM unnest(TG_ARGV) AS name CROSS JOIN LATERAL list_words(to_jsonb(NEW) ->> name) AS w;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION doubt_words() IS 'Puts the words that leave a text (in the columns given) into search_doubts: a word goes with the last text that has it.';

CREATE OR REPLACE TRIGGER doubt_words AFTER UPDATE OF username, first_name, last_name ON users
FOR EACH ROW EXECUTE FUNCTION doubt_words('username', 'first_name', 'last_name');
COMMENT ON TRIGGER doubt_words ON users IS 'Names of a person who is called otherwise from now on, or has left, go into search_doubts.';

DROP VIEW IF EXISTS documents;
CREATE VIEW documents AS
SELECT 'post' AS kind, post_id AS id, recency, words FROM post_documents
UNION ALL
SELECT 'comment', comment_id, comment_id, words FROM comment_documents
UNION ALL
SELECT 'person', user_id, user_id, words FROM person_documents;
COMMENT ON VIEW documents IS 'What is found by its words. Asked for one kind by its name, it is the table of that kind.';

-- Written so that PostgreSQL puts the two functions below into the statement that calls them and plans them there: with
-- the name of a kind as a constant only its table is left of the view. (A function of CTEs alone, STABLE, and called with
-- neither a subquery nor a volatile function for an argument.)
CREATE OR REPLACE FUNCTION find_documents(wanted text, query tsquery)
RETURNS TABLE (id uuid, recency uuid, score double precision)
LANGUAGE sql STABLE
AS $$
    -- A word may be in half of all texts, and to rank so many takes seconds: the newest 500 that match are ranked. They
    -- are looked for in three steps, each only where the one before was not enough. The newest 2,000 documents: all
    -- that a common word needs, and little work for nothing where it is rare. If some of these matched, the newest
    -- 50,000. At last the index of words, whose matches all have to be read; not for what it has no words of ("all but").
    -- OFFSET 0 is a fence: the planner, who does not know the query, would walk through all documents in their order.
    WITH near AS MATERIALIZED (
        SELECT newest.id, newest.recency, newest.words
        FROM (SELECT * FROM documents WHERE kind = wanted ORDER BY recency DESC LIMIT 2000) AS newest
        WHERE newest.words @@ query
        LIMIT 500
    )
    SELECT found.id, found.recency, ts_rank(found.words, query, 1)::double precision
    FROM (
        SELECT near.id, near.recency, near.words FROM near
        UNION ALL
        (
            SELECT newer.id, newer.recency, newer.words
            FROM (
                SELECT * FROM documents WHERE kind = wanted ORDER BY recency DESC OFFSET 2000 LIMIT 48000
            ) AS newer
            WHERE (SELECT count(*) FROM near) >= 12 AND newer.words @@ query
            LIMIT 500
        )
        UNION ALL
        (
            SELECT matching.id, matching.recency, matching.words
            FROM (SELECT * FROM documents WHERE kind = wanted AND words @@ query OFFSET 0) AS matching
            WHERE querytree(query) <> 'T'
                AND matching.recency <= (
                    SELECT d.recency
                    FROM documents AS d
                    WHERE d.kind = wanted
                    ORDER BY d.recency DESC
                    OFFSET CASE WHEN (SELECT count(*) FROM near) >= 12 THEN 50000 ELSE 2000 END
                    LIMIT 1
                )
            ORDER BY matching.recency DESC
            LIMIT 500
        )
        LIMIT 500
    ) AS found
    OFFSET 0
$$;
COMMENT ON FUNCTION find_documents(text, tsquery) IS 'The newest 500 documents of a kind that match, in no order; a higher score is a better match.';

CREATE OR REPLACE FUNCTION find_holders(wanted text, query tsquery) RETURNS SETOF uuid
LANGUAGE sql STABLE
AS $$
    -- A common word is in some of the newest, and the index would have to list all that have it; of a rare one the index
    -- finds at once what there is.
    SELECT newest.id
    FROM (SELECT * FROM documents WHERE kind = wanted ORDER BY recency DESC LIMIT 64) AS newest
    WHERE newest.words @@ query
    UNION ALL
    (SELECT d.id FROM documents AS d WHERE d.kind = wanted AND d.words @@ query LIMIT 500)
$$;
COMMENT ON FUNCTION find_holders(text, tsquery) IS 'Some documents of a kind that have the words of a query, if there are any; to be read until one is found that has them in the form in question.';
