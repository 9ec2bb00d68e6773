-- Comments on tasks are read, too.
COMMENT ON COLUMN thread_reads.thread IS 'The id of what the comments are on: a post or a task.';
