-- Statistics of tasks: counters that triggers keep, so that nobody has to count.

CREATE OR REPLACE FUNCTION take_tally_slot() RETURNS smallint
LANGUAGE plpgsql
AS $$
DECLARE
    slot smallint := 0;
BEGIN
    -- Nobody waits here, so nobody who holds tasks can wait for somebody who wants them.
    WHILE NOT pg_try_advisory_xact_lock(hashtext('task_tallies'), slot) LOOP
        slot := slot + 1;
    END LOOP;
    RETURN slot;
END
$$;
COMMENT ON FUNCTION take_tally_slot() IS 'The first slot of task_tallies, task_loads and task_days that no other transaction writes into; it is this one''s until its end.';

CREATE OR REPLACE FUNCTION spread_tallies(was tasks[], is_now tasks[])
RETURNS TABLE (
    step integer, scope uuid, kind text, status text, priority smallint, created_at timestamptz, started_at timestamptz,
    completed_at timestamptz, cancelled_at timestamptz
)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT
        c.step, s.scope, c.kind, c.status, c.priority, c.created_at, c.started_at, c.completed_at, c.cancelled_at
    FROM (
        SELECT -1 AS step, t.* FROM unnest($1) AS t
        UNION ALL
        SELECT 1, t.* FROM unnest($2) AS t
    ) AS c
    CROSS JOIN LATERAL (VALUES
        ('00000000-0000-0000-0000-000000000000'::uuid), (c.project_id), (coalesce(c.assignee_id, c.creator_id))
    ) AS s (scope)
    WHERE c.deleted_at IS NULL AND s.scope IS NOT NULL
$$;
COMMENT ON FUNCTION spread_tallies(tasks[], tasks[]) IS 'What counts where: each task in every scope that it belongs to, with -1 as it was and 1 as it is. Those in the trash do not count.';

CREATE OR REPLACE FUNCTION spread_days(
    step integer, created_at timestamptz, started_at timestamptz, completed_at timestamptz, cancelled_at timestamptz
)
RETURNS TABLE (day date, created integer, completed integer, cancelled integer, cycle_seconds bigint)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT d.day, d.created, d.completed, d.cancelled, d.cycle_seconds
    FROM (VALUES
        (($2 AT TIME ZONE 'UTC')::date, $1, 0, 0, 0::bigint),
        (($4 AT TIME ZONE 'UTC')::date, 0, $1, 0, $1 * extract(epoch FROM $4 - coalesce($3, $2))::bigint),
        (($5 AT TIME ZONE 'UTC')::date, 0, 0, $1, 0)
    ) AS d (day, created, completed, cancelled, cycle_seconds)
    WHERE d.day IS NOT NULL
$$;
COMMENT ON FUNCTION spread_days(integer, timestamptz, timestamptz, timestamptz, timestamptz) IS 'On which days, UTC, a task counts as what.';

CREATE OR REPLACE FUNCTION move_tallies(was tasks[], is_now tasks[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    own smallint := take_tally_slot();
    is_move boolean := coalesce(
        cardinality(was) = 1 AND cardinality(is_now) = 1
        AND (
            (was[1]).project_id, (was[1]).creator_id, (was[1]).assignee_id, (was[1]).created_at,
            (was[1]).started_at, (was[1]).completed_at, (was[1]).cancelled_at, (was[1]).deleted_at
        ) IS NOT DISTINCT FROM (
            (is_now[1]).project_id, (is_now[1]).creator_id, (is_now[1]).assignee_id, (is_now[1]).created_at,
            (is_now[1]).started_at, (is_now[1]).completed_at, (is_now[1]).cancelled_at, (is_now[1]).deleted_at
        ),
        false
    );
BEGIN
    INSERT INTO task_tallies AS x (scope, slot, kind, status, priority, n)
    SELECT s.scope, own, s.kind, s.status, s.priority, sum(s.step)
    FROM spread_tallies(was, is_now) AS s
    GROUP BY s.scope, s.kind, s.status, s.priority
    HAVING sum(s.step) <> 0
    ON CONFLICT ON CONSTRAINT task_tallies_pkey DO UPDATE SET n = x.n + excluded.n;
    -- A task that stays open, or closed, where it is: what else is counted stays.
    IF is_move THEN
        RETURN;
    END IF;
    INSERT INTO task_loads AS x (person_id, slot, open)
    SELECT c.person_id, own, sum(c.step)
    FROM (
        SELECT -1 AS step, coalesce(t.assignee_id, t.creator_id) AS person_id, t.status, t.deleted_at FROM unnest(was) AS t
        UNION ALL
        SELECT 1, coalesce(t.assignee_id, t.creator_id), t.status, t.deleted_at FROM unnest(is_now) AS t
    ) AS c
    WHERE c.deleted_at IS NULL AND c.status NOT IN ('done', 'cancelled')
    GROUP BY c.person_id
    HAVING sum(c.step) <> 0
    ON CONFLICT ON CONSTRAINT task_loads_pkey DO UPDATE SET open = x.open + excluded.open;
    INSERT INTO task_days AS x (scope, day, slot, created, completed, cancelled, cycle_seconds)
    SELECT s.scope, d.day, own, sum(d.created), sum(d.completed), sum(d.cancelled), sum(d.cycle_seconds)
    FROM spread_tallies(was, is_now) AS s
    CROSS JOIN LATERAL spread_days(s.step, s.created_at, s.started_at, s.completed_at, s.cancelled_at) AS d
    GROUP BY s.scope, d.day
    HAVING sum(d.created) <> 0 OR sum(d.completed) <> 0 OR sum(d.cancelled) <> 0 OR sum(d.cycle_seconds) <> 0
    ON CONFLICT ON CONSTRAINT task_days_pkey DO UPDATE
    SET
        created = x.created + excluded.created,
        completed = x.completed + excluded.completed,
        cancelled = x.cancelled + excluded.cancelled,
        cycle_seconds = x.cycle_seconds + excluded.cycle_seconds;
END
$$;
COMMENT ON FUNCTION move_tallies(tasks[], tasks[]) IS 'Takes these tasks out of task_tallies, task_loads and task_days as they were, and puts those in as they are.';

CREATE OR REPLACE FUNCTION tally_tasks() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    part record;
BEGIN
    -- In parts, as an array has its limits. The tables of rows are there only where rows can be of their kind.
    IF TG_OP = 'INSERT' THEN
        FOR part IN
            SELECT array_agg(x.t) AS tasks
            FROM (SELECT ROW(n.*)::tasks AS t, row_number() OVER () / 1000 AS number FROM is_now AS n) AS x
            GROUP BY x.number
        LOOP
            PERFORM move_tallies(NULL, part.tasks);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR part IN
            SELECT array_agg(x.t) AS tasks
            FROM (
                SELECT ROW(o.*)::tasks AS t, row_number() OVER () / 1000 AS number
                FROM was AS o
                WHERE o.deleted_at IS NULL
            ) AS x
            GROUP BY x.number
        LOOP
            PERFORM move_tallies(part.tasks, NULL);
        END LOOP;
    ELSE
        FOR part IN
            SELECT array_agg(x.o) AS old_tasks, array_agg(x.n) AS new_tasks
            FROM (
                SELECT ROW(o.*)::tasks AS o, ROW(n.*)::tasks AS n, row_number() OVER () / 1000 AS number
                FROM was AS o
                INNER JOIN is_now AS n ON n.id = o.id
                WHERE (
                    o.project_id, o.creator_id, o.assignee_id, o.kind, o.status, o.priority, o.created_at, o.started_at,
                    o.completed_at, o.cancelled_at, o.deleted_at
                ) IS DISTINCT FROM (
                    n.project_id, n.creator_id, n.assignee_id, n.kind, n.status, n.priority, n.created_at, n.started_at,
                    n.completed_at, n.cancelled_at, n.deleted_at
                )
            ) AS x
            GROUP BY x.number
        LOOP
            PERFORM move_tallies(part.old_tasks, part.new_tasks);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_tasks() IS 'Keeps task_tallies, task_loads and task_days.';

CREATE OR REPLACE TRIGGER tally_new_tasks AFTER INSERT ON tasks
REFERENCING NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks();
COMMENT ON TRIGGER tally_new_tasks ON tasks IS 'Counted in task_tallies, task_loads and task_days.';

CREATE OR REPLACE TRIGGER tally_changed_tasks AFTER UPDATE ON tasks
REFERENCING OLD TABLE AS was NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks();
COMMENT ON TRIGGER tally_changed_tasks ON tasks IS 'Counted anew in task_tallies, task_loads and task_days.';

CREATE OR REPLACE TRIGGER tally_deleted_tasks AFTER DELETE ON tasks
REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks();
COMMENT ON TRIGGER tally_deleted_tasks ON tasks IS 'No longer counted in task_tallies, task_loads and task_days.';
