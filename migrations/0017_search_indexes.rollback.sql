-- transactional: false
DROP INDEX CONCURRENTLY search_words_near_idx;
DROP INDEX CONCURRENTLY person_documents_words_idx;
DROP INDEX CONCURRENTLY comment_documents_words_idx;
DROP INDEX CONCURRENTLY post_documents_words_idx;
DROP INDEX CONCURRENTLY post_documents_recency_idx;
DROP INDEX CONCURRENTLY post_scores_score_idx;
