-- transactional: false
-- Statistics of tasks are counters: no statement looks for tasks by when they were completed.
DROP INDEX CONCURRENTLY IF EXISTS tasks_completed_idx;

COMMENT ON COLUMN node_samples.pool_busy IS 'Connections to PostgreSQL that are in use, of pool_size.';
COMMENT ON COLUMN node_samples.outbox_age IS 'Seconds for which the oldest row of the outbox has waited.';
COMMENT ON COLUMN node_samples.outbox_dead IS 'Rows of the outbox that were given up on.';
COMMENT ON COLUMN repositories.interval_s IS 'Seconds between two syncs that nobody asks for.';
COMMENT ON COLUMN repositories.failures IS 'Failed syncs in a row.';
COMMENT ON COLUMN task_series.every IS 'Days, weeks or months between two of them, as `frequency` says.';
COMMENT ON COLUMN task_series.until IS 'The last day on which one may be due; NULL: without end.';
COMMENT ON COLUMN task_tallies.n IS 'What this slot adds; may be negative.';
COMMENT ON COLUMN webhook_attempts.ms IS 'Milliseconds from the request to the answer, or to its failure.';
COMMENT ON COLUMN webhook_deliveries.last_ms IS 'Milliseconds that the last attempt took.';
