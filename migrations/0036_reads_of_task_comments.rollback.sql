DELETE FROM thread_reads AS r USING tasks AS t WHERE t.id = r.thread;
COMMENT ON COLUMN thread_reads.thread IS 'The id of what the comments are on, which for now is a post.';
