-- transactional: false
-- Files of one person that are on no post are counted with every upload; of those on posts there may be very many.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY uploads_loose_owner_id_idx ON uploads (owner_id) WHERE post_id IS NULL AND removed_at IS NULL;
