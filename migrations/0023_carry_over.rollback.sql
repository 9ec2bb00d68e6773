-- transactional: false
-- The texts were copies: what is still there has its own row. Notifications and frames are made from that again.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS idempotency_keys_entity_idx;
DROP INDEX CONCURRENTLY IF EXISTS post_stats_score_idx;
