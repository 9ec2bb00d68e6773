-- The worker makes the documents of what events tell of, in batches; nobody who writes waits for it any more.
DROP TRIGGER reindex_person ON users;
DROP TRIGGER index_person ON users;
DROP TRIGGER reindex_comment ON comments;
DROP TRIGGER index_comment ON comments;
DROP TRIGGER reindex_post ON posts;
DROP TRIGGER index_post ON posts;
-- squawk-ignore ban-drop-function
DROP FUNCTION index_person();
-- squawk-ignore ban-drop-function
DROP FUNCTION index_comment();
-- squawk-ignore ban-drop-function
DROP FUNCTION index_post();
-- squawk-ignore ban-drop-function
DROP FUNCTION note_words(text);

CREATE TABLE search_doubts (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT search_doubts_pkey PRIMARY KEY,
    word text NOT NULL
);
COMMENT ON TABLE search_doubts IS 'Words that left a text: a worker removes from search_words those that no other text has. Written by triggers; a word may stand here several times, so that nobody who deletes waits for anybody.';
-- Of those that are there already, some were of texts that are gone by now.
INSERT INTO search_doubts (word) SELECT word FROM search_words;
COMMENT ON TABLE search_words IS 'The words of what is published, to suggest instead of a misspelt one. Written by the worker. Nobody is shown a word that finds them nothing.';
COMMENT ON TABLE post_documents IS 'What posts are found by. Written by the worker; likes do not touch it.';
COMMENT ON TABLE comment_documents IS 'What comments are found by. Written by the worker.';
COMMENT ON TABLE person_documents IS 'What active people are found by: their names. Written by the worker.';
