-- transactional: false
COMMENT ON COLUMN webhook_deliveries.last_ms IS NULL;
COMMENT ON COLUMN webhook_attempts.ms IS NULL;
COMMENT ON COLUMN task_tallies.n IS NULL;
COMMENT ON COLUMN task_series.until IS NULL;
COMMENT ON COLUMN task_series.every IS NULL;
COMMENT ON COLUMN repositories.failures IS NULL;
COMMENT ON COLUMN repositories.interval_s IS NULL;
COMMENT ON COLUMN node_samples.outbox_dead IS NULL;
COMMENT ON COLUMN node_samples.outbox_age IS NULL;
COMMENT ON COLUMN node_samples.pool_busy IS NULL;
CREATE INDEX CONCURRENTLY tasks_completed_idx ON tasks (completed_at) INCLUDE (started_at, project_id)
WHERE completed_at IS NOT NULL AND deleted_at IS NULL;
