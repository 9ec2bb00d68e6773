-- transactional: false
-- The runner puts no transaction around this file: what was written before is taken in without a lock on it, and
-- a second run begins where a first one ended. What is written meanwhile comes in by the triggers.
INSERT INTO post_scores (post_id, score, least_score)
SELECT p.id, measure_post(p.id, p.created_at), heat(p.created_at, 1)
FROM posts AS p
WHERE p.position IS NOT NULL
ON CONFLICT ON CONSTRAINT post_scores_pkey DO NOTHING;
INSERT INTO post_documents (post_id, recency, words)
SELECT id, coalesce(position, id), make_words(title, body) FROM posts ORDER BY id
ON CONFLICT ON CONSTRAINT post_documents_pkey DO NOTHING;
INSERT INTO comment_documents (comment_id, words)
SELECT id, make_words(NULL, body) FROM comments ORDER BY id
ON CONFLICT ON CONSTRAINT comment_documents_pkey DO NOTHING;
INSERT INTO person_documents (user_id, words)
SELECT u.id, make_words(name_person(u), NULL) FROM users AS u WHERE u.status = 'active'
ON CONFLICT ON CONSTRAINT person_documents_pkey DO NOTHING;
INSERT INTO search_words (word)
SELECT DISTINCT w
FROM (
    SELECT concat_ws(' ', title, body) AS written FROM posts WHERE position IS NOT NULL
    UNION ALL SELECT body FROM comments
    UNION ALL SELECT name_person(u) FROM users AS u WHERE u.status = 'active'
) AS texts
CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector('nexcorp_words', translate(written, '<>/', '   ')))) AS w
WHERE length(w) BETWEEN 4 AND 40
ON CONFLICT ON CONSTRAINT search_words_pkey DO NOTHING;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY post_scores_score_idx ON post_scores (score, post_id);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY post_documents_recency_idx ON post_documents (recency);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY post_documents_words_idx ON post_documents USING gin (words) WITH (gin_pending_list_limit = 512);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY comment_documents_words_idx ON comment_documents USING gin (words) WITH (gin_pending_list_limit = 512);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY person_documents_words_idx ON person_documents USING gin (words) WITH (gin_pending_list_limit = 512);
-- An expression, so that nobody looks for the word itself in it, for which the primary key is far better.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY search_words_near_idx ON search_words USING gist (lower(word) gist_trgm_ops);
