-- Search: how texts and queries become words, and the documents that posts, comments, people and tasks are found by.

CREATE OR REPLACE FUNCTION make_words(title text, body text) RETURNS tsvector
LANGUAGE sql STABLE
AS $$
    SELECT setweight(to_tsvector('nexcorp_all', spread_words(coalesce(title, ''))), 'A')
        || setweight(to_tsvector('nexcorp_all', spread_words(coalesce(body, ''))), 'B')
$$;
COMMENT ON FUNCTION make_words(text, text) IS 'What a title and a text are found by, stop words too; the title weighs more.';

CREATE OR REPLACE FUNCTION make_name_words(names text) RETURNS tsvector
LANGUAGE sql STABLE
AS $$
    SELECT setweight(to_tsvector('nexcorp_names', spread_words(names)), 'A')
$$;
COMMENT ON FUNCTION make_name_words(text) IS 'What a person is found by: names have no stems, and none of them is a stop word.';

CREATE OR REPLACE FUNCTION make_phrase(config regconfig, asked text, completes boolean, marks boolean) RETURNS tsquery
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    dense CONSTANT text := name_dense();
    words text;
    last text;
    found tsquery;
BEGIN
    IF marks THEN
        words := part_words(regexp_replace(normalize(asked), dense, ' \& ', 'g'), ' ');
    ELSE
        words := btrim(regexp_replace(spread_words(asked), '[\s!-/:-@[-`{-~]+', ' ', 'g'));
        IF words ~ ('^' || dense || ' ' || dense || '$') THEN
            -- A single character: any pair that begins with it, or itself at an end.
            RETURN (quote_literal(left(words, 1)) || ':*')::tsquery;
        END IF;
        -- In a text a run may go on before and behind what is asked: there its first and last characters are not alone.
        words := regexp_replace(words, '^' || dense || ' ', '');
        words := regexp_replace(words, ' ' || dense || '$', '');
    END IF;
    found := phraseto_tsquery(config, words);
    last := substring(words FROM '[^\s!-/:-@[-`{-~]+$');
    IF completes AND length(last) >= 2 THEN
        found := found || to_tsquery(config, (
            SELECT string_agg(quote_literal(w), ' <-> ')
            FROM regexp_split_to_table(words, '[\s!-/:-@[-`{-~]+') AS w
            WHERE w <> ''
        ) || ':*');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION make_phrase(regconfig, text, boolean, boolean) IS 'Words that must stand behind each other; with `completes` the last one may go on. With `marks` as highlight() looks for them.';

CREATE OR REPLACE FUNCTION compose_query(config regconfig, asked text, completes boolean, marks boolean) RETURNS tsquery
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    -- Signs of "without", then a phrase in quotes or a word with all that hangs on it.
    pattern CONSTANT text := '(-*)(?:"([^"]*)"?|([^\s"]+))';
    given text := translate(asked, '<>/,;()[]{}|', repeat(' ', 12));
    items integer := regexp_count(given, pattern);
    part text[];
    phrase tsquery;
    together tsquery;
    found tsquery;
BEGIN
    FOR part IN SELECT m FROM regexp_matches(given, pattern, 'g') AS m LOOP
        items := items - 1;
        IF part[1] = '' AND lower(part[3]) = 'or' THEN
            found := coalesce(found || together, together, found);
            together := NULL;
            CONTINUE;
        END IF;
        phrase := make_phrase(
            config, coalesce(part[2], part[3]), completes AND items = 0 AND part[3] IS NOT NULL, marks
        );
        IF numnode(phrase) > 0 THEN
            phrase := CASE WHEN part[1] = '' THEN phrase ELSE !!phrase END;
            together := coalesce(together && phrase, phrase);
        END IF;
    END LOOP;
    RETURN coalesce(found || together, together, found, '');
END
$$;
COMMENT ON FUNCTION compose_query(regconfig, text, boolean, boolean) IS 'What somebody asks for, in the language of web searches ("phrases", or, -without); no text is an error. What is written together must stand together.';

DROP FUNCTION IF EXISTS make_query(text);
CREATE OR REPLACE FUNCTION make_query(asked text, marks boolean DEFAULT false) RETURNS tsquery
LANGUAGE plpgsql STABLE
-- Stop words by themselves are worth a notice to PostgreSQL.
SET client_min_messages = warning
AS $$
DECLARE
    found tsquery := compose_query('nexcorp_text', asked, false, marks);
BEGIN
    -- Stop words do not matter beside others.
    IF numnode(found) = 0 THEN
        found := compose_query('nexcorp_all', asked, false, marks);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION make_query(text, boolean) IS 'What texts are looked for; with `marks` as highlight() looks for it. See compose_query().';

CREATE OR REPLACE FUNCTION make_name_query(asked text, completes boolean, marks boolean) RETURNS tsquery
LANGUAGE sql STABLE
SET client_min_messages = warning
AS $$
    SELECT compose_query('nexcorp_names', asked, completes, marks)
$$;
COMMENT ON FUNCTION make_name_query(text, boolean, boolean) IS 'What people are looked for by; with `completes` the last word may be the beginning of a name.';

CREATE OR REPLACE FUNCTION find_place(shown text, query tsquery) RETURNS integer
LANGUAGE sql STABLE
AS $$
    SELECT min(nullif(strpos(lower(shown), w[1]), 0)) FROM regexp_matches(query::text, '(?<!!)''([^'']+)''', 'g') AS w
$$;
COMMENT ON FUNCTION find_place(text, tsquery) IS 'Where in a text a word of the query stands first, as it is found; NULL where each ends otherwise in the text, or has accents there.';

CREATE OR REPLACE FUNCTION cut_window(shown text, query tsquery) RETURNS text
LANGUAGE sql STABLE
AS $$
    -- Of most texts the beginning will do: to look through 20,000 characters takes 0.4 ms.
    SELECT CASE
        WHEN length(shown) <= 600 OR find_place(left(shown, 600), query) <= 400 THEN left(shown, 600)
        ELSE regexp_replace(
            substr(shown, greatest(1, coalesce(find_place(shown, query), 1) - 150), 600), '^\S{0,60}\s', ''
        )
    END
$$;
COMMENT ON FUNCTION cut_window(text, tsquery) IS 'The part of a long text in which something was found, or its beginning: a highlight costs the same however long a text is.';

DROP FUNCTION IF EXISTS highlight(text, tsquery);
CREATE OR REPLACE FUNCTION highlight(
    shown text, query tsquery, marks tsquery DEFAULT NULL, config regconfig DEFAULT 'nexcorp_all'
)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    -- Characters of the private use area stand for the marks (E000, E001) until all is escaped. A seam (E002) separates
    -- words where documents have them apart.
    part text := normalize(translate(cut_window(shown, query), U&'\E000\E001\E002', ''));
    sign text;
BEGIN
    -- What is to separate words stays in sight: the seam behind it, and it behind a seam, is nothing to the parser.
    part := regexp_replace(part, '[-./@_<>&+]', U&'\E002\\&\E002', 'g');
    IF octet_length(part) > length(part) THEN
        part := regexp_replace(part, name_dense(), U&'\E002\\&\E002', 'g');
    END IF;
    part := ts_headline(
        config, part, coalesce(marks, query),
        U&'StartSel=\E000, StopSel=\E001, ' || CASE
            WHEN length(part) <= 200 THEN 'HighlightAll=true'
            ELSE 'MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'
        END
    );
    part := replace(replace(part, U&'\E001\E002\E002\E000', ''), U&'\E002', '');
    part := replace(replace(replace(replace(part, '&', '&amp;'), '"', '&quot;'), '''', '&#39;'), '`', '&#96;');
    part := replace(replace(part, '<', '&lt;'), '>', '&gt;');
    FOR sign IN
        SELECT chr(('x' || lpad(m[1], 8, '0'))::bit(32)::integer)
        FROM regexp_matches(query::text, '(?<!!)''u([0-9a-f]{4,5})u[0-9a-f]+''', 'g') AS m
    LOOP
        part := replace(part, sign, U&'\E000' || sign || U&'\E001');
    END LOOP;
    RETURN replace(replace(part, U&'\E000', '<mark>'), U&'\E001', '</mark>');
END
$$;
COMMENT ON FUNCTION highlight(text, tsquery, tsquery, regconfig) IS 'HTML: what was found in <mark>, everything else escaped; of a long text two parts around it. `marks` is the query as make_query(asked, true) makes it, without which nothing is marked in scripts without spaces.';

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
    FROM unnest(tsvector_to_array(to_tsvector('nexcorp_words', spread_words(written)))) AS w
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
SELECT 'person', user_id, user_id, words FROM person_documents
UNION ALL
SELECT 'task', task_id, task_id, words FROM task_documents
UNION ALL
SELECT 'project', project_id, project_id, words FROM project_documents;
COMMENT ON VIEW documents IS 'What is found by its words. Asked for one kind by its name, it is the table of that kind.';

DROP VIEW IF EXISTS fresh_documents;
CREATE VIEW fresh_documents AS
SELECT 'post' AS kind, p.id, coalesce(p.position, p.id) AS recency, make_words(p.title, left(p.body, 2000)) AS words
FROM (
    SELECT newest.*
    FROM (SELECT id, position, title, body FROM posts ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM post_documents AS d WHERE d.post_id = newest.id)
    -- A fence: otherwise words are made of all twenty, to be compared first.
    OFFSET 0
) AS p
UNION ALL
SELECT 'comment', c.id, c.id, make_words(NULL, left(c.body, 2000))
FROM (
    SELECT newest.*
    FROM (SELECT id, body, post_id FROM comments ORDER BY id DESC LIMIT 20) AS newest
    -- Comments on tasks are not found.
    WHERE newest.body IS NOT NULL AND newest.post_id IS NOT NULL AND NOT EXISTS (SELECT FROM comment_documents AS d WHERE d.comment_id = newest.id)
    OFFSET 0
) AS c
UNION ALL
SELECT 'person', p.id, p.id, make_name_words(p.names)
FROM (
    SELECT newest.id, newest.names
    FROM (SELECT u.id, u.status, name_person(u) AS names FROM users AS u ORDER BY u.id DESC LIMIT 20) AS newest
    WHERE newest.status = 'active' AND NOT EXISTS (SELECT FROM person_documents AS d WHERE d.user_id = newest.id)
    OFFSET 0
) AS p
UNION ALL
SELECT 'task', t.id, t.id, make_words(t.title, left(t.description, 2000))
FROM (
    SELECT newest.*
    FROM (SELECT id, title, description FROM tasks WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM task_documents AS d WHERE d.task_id = newest.id)
    OFFSET 0
) AS t
UNION ALL
SELECT 'project', p.id, p.id, make_words(p.name, p.description)
FROM (
    SELECT newest.*
    FROM (SELECT id, name, description FROM projects WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM project_documents AS d WHERE d.project_id = newest.id)
    OFFSET 0
) AS p
UNION ALL
-- By their paths: what they hold is packed.
SELECT 'file', f.id, f.id, make_words(f.path, NULL)
FROM (
    SELECT newest.*
    FROM (SELECT id, path FROM files WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM file_documents AS d WHERE d.file_id = newest.id)
    OFFSET 0
) AS f;
COMMENT ON VIEW fresh_documents IS 'What the worker has not come to yet among the newest of each kind: whoever has just written something finds it.';

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
    -- Beneath an OR the words are ranked one by one; with AND each pair of their places is looked at, which are 65,000
    -- for two words that a long text repeats.
    SELECT found.id, found.recency, ts_rank(found.words, query || query, 1)::double precision
    FROM (
        SELECT fresh.id, fresh.recency, fresh.words
        FROM fresh_documents AS fresh
        WHERE fresh.kind = wanted AND fresh.words @@ query
        UNION ALL
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
