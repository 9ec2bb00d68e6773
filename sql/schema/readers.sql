-- What is unread of a conversation, and what becomes of reads when that which they are of is deleted.

CREATE OR REPLACE VIEW thread_comments AS
SELECT c.post_id AS thread, c.id FROM comments AS c WHERE c.post_id IS NOT NULL
UNION ALL
SELECT c.task_id, c.id FROM comments AS c WHERE c.task_id IS NOT NULL;
COMMENT ON VIEW thread_comments IS 'Comments by what they are on, a post or a task: each by its own index.';

COMMENT ON COLUMN thread_reads.thread IS 'The id of what the comments are on: a post or a task.';

-- The name of a parameter cannot be replaced.
DROP FUNCTION IF EXISTS unread_comments(uuid, uuid, uuid);
CREATE FUNCTION unread_comments(viewer_id uuid, thread uuid, upto uuid)
RETURNS TABLE (unread_count integer)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT count(*)::integer
    FROM (
        SELECT
        FROM (
            -- A fence: they come out of the index one by one, and no more of them than it takes to count a hundred.
            SELECT b.id
            FROM thread_comments AS b
            WHERE b.thread = $2 AND b.id > coalesce($3, '00000000-0000-0000-0000-000000000000')
            ORDER BY b.id
            OFFSET 0
        ) AS behind
        INNER JOIN comments AS c ON c.id = behind.id
        -- A placeholder has no author.
        WHERE c.author_id <> $1
        LIMIT 100
    ) AS unread
$$;
COMMENT ON FUNCTION unread_comments(uuid, uuid, uuid) IS 'How many comments of others on a post or task stand behind a watermark (NULL: behind none), counted to 100. A query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION forget_reads() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- In the order in which readers.delete_reads deletes them: what WITH has comes last.
    DELETE FROM thread_reads WHERE thread = OLD.id;
    DELETE FROM entity_reads WHERE entity_type = TG_ARGV[0] AND entity_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_reads() IS 'Deletes who read a deleted row of the kind in its argument, and how far its comments.';

CREATE OR REPLACE TRIGGER forget_reads AFTER DELETE ON posts
FOR EACH ROW EXECUTE FUNCTION forget_reads('post');
COMMENT ON TRIGGER forget_reads ON posts IS 'The post''s rows in entity_reads and thread_reads go along.';

CREATE OR REPLACE TRIGGER forget_reads AFTER DELETE ON tasks
FOR EACH ROW EXECUTE FUNCTION forget_reads('task');
COMMENT ON TRIGGER forget_reads ON tasks IS 'The task''s rows in thread_reads go along.';
