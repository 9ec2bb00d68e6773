-- transactional: false
DROP INDEX CONCURRENTLY uploads_loose_owner_id_idx;
