-- The triggers come back by the runner. What no worker has come to yet is made up for here.
DROP TABLE search_doubts;
INSERT INTO post_documents (post_id, recency, words)
SELECT p.id, coalesce(p.position, p.id), make_words(p.title, p.body)
FROM posts AS p
WHERE NOT EXISTS (SELECT FROM post_documents AS d WHERE d.post_id = p.id);
INSERT INTO comment_documents (comment_id, words)
SELECT c.id, make_words(NULL, c.body)
FROM comments AS c
WHERE NOT EXISTS (SELECT FROM comment_documents AS d WHERE d.comment_id = c.id);
INSERT INTO person_documents (user_id, words)
SELECT u.id, make_words(name_person(u), NULL)
FROM users AS u
WHERE u.status = 'active' AND NOT EXISTS (SELECT FROM person_documents AS d WHERE d.user_id = u.id);
COMMENT ON TABLE search_words IS 'Every word that was ever published, to suggest instead of a misspelt one. Written by triggers alone. Nobody is shown a word that finds them nothing.';
COMMENT ON TABLE post_documents IS 'What posts are found by. Written by triggers alone; likes do not touch it.';
COMMENT ON TABLE comment_documents IS 'What comments are found by. Written by triggers alone.';
COMMENT ON TABLE person_documents IS 'What active people are found by: their names. Written by triggers alone.';
