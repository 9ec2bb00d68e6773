-- Tasks: who may see one, how it is shown and described, and what follows from its status and its dates.

CREATE OR REPLACE FUNCTION reach_tasks(viewer uuid, sees_all boolean) RETURNS SETOF tasks
LANGUAGE sql STABLE
AS $$
    SELECT t.*
    FROM tasks AS t
    WHERE $2
        OR t.creator_id = $1
        OR t.assignee_id = $1
        OR t.project_id IN (SELECT m.project_id FROM project_members AS m WHERE m.user_id = $1)
$$;
COMMENT ON FUNCTION reach_tasks(uuid, boolean) IS 'The one rule of who sees which task: its creator, its assignee, the members of its project, and, with `sees_all`, holders of task:manage. With those in the trash.';

CREATE OR REPLACE FUNCTION visible_tasks(viewer uuid, sees_all boolean) RETURNS SETOF tasks
LANGUAGE sql STABLE
AS $$
    SELECT t.*
    FROM reach_tasks($1, $2) AS t
    WHERE t.deleted_at IS NULL
        -- A row by its key, however many are in the trash.
        AND (SELECT p.deleted_at FROM projects AS p WHERE p.id = t.project_id) IS NULL
$$;
COMMENT ON FUNCTION visible_tasks(uuid, boolean) IS 'The tasks that a viewer may see: not those in the trash, nor those of a project that is there. In FROM, a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION task_rights(creator_id uuid, assignee_id uuid, project_id uuid, viewer uuid, manages boolean)
RETURNS TABLE (may_change boolean)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT $5 OR coalesce($4 IN ($1, $2), false) OR EXISTS (
        SELECT FROM project_members AS m WHERE m.project_id = $3 AND m.user_id = $4 AND m.role IN ('owner', 'editor')
    )
    FROM (VALUES (1)) AS one (row)
$$;
COMMENT ON FUNCTION task_rights(uuid, uuid, uuid, uuid, boolean) IS 'The one rule of who may change a task that they see: its creator, its assignee, owners and editors of its project, and, with `manages`, holders of task:manage. Always one row; a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION trashed_tasks(viewer uuid, sees_all boolean) RETURNS SETOF tasks
LANGUAGE sql STABLE
AS $$
    SELECT t.*
    FROM reach_tasks($1, $2) AS t
    WHERE t.deleted_at IS NOT NULL
        AND (SELECT p.deleted_at <= trash_limit() FROM projects AS p WHERE p.id = t.project_id) IS NOT TRUE
$$;
COMMENT ON FUNCTION trashed_tasks(uuid, boolean) IS 'The tasks in the trash that a viewer could see before, but for those of a project that waits to be removed.';

CREATE OR REPLACE FUNCTION tasks_seen_by(user_id uuid) RETURNS SETOF tasks
LANGUAGE sql STABLE
AS $$
    SELECT t.* FROM visible_tasks($1, holds_permission($1, 'task:manage')) AS t
$$;
COMMENT ON FUNCTION tasks_seen_by(uuid) IS 'The tasks that a person may see by their role, for what reaches them unasked: notifications, and frames of their own room.';

CREATE OR REPLACE FUNCTION describe_task(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(t.title), excerpt(t.description), NULL::uuid FROM tasks_seen_by($2) AS t WHERE t.id = $1
$$;
COMMENT ON FUNCTION describe_task(uuid, uuid) IS 'A task in describe_entity().';

SELECT gather_kinds();

DROP VIEW IF EXISTS task_items;
DROP VIEW IF EXISTS open_links;
CREATE VIEW open_links AS
SELECT l.blocker_id, l.blocked_id
FROM task_links AS l
INNER JOIN tasks AS b ON b.id = l.blocker_id
WHERE b.deleted_at IS NULL AND b.status NOT IN ('done', 'cancelled');
COMMENT ON VIEW open_links IS 'Links whose blocker is still to be done.';

CREATE VIEW task_items AS
SELECT
    t.id,
    t.number,
    t.kind,
    t.title,
    t.description,
    t.status,
    ('{low,medium,high,urgent}'::text[])[t.priority] AS priority,
    person(c) AS creator,
    person(a) AS assignee,
    t.project_id AS "projectId",
    t.lead_id AS "leadId",
    t.parent_id AS "parentId",
    t.rank,
    coalesce(t.due_on::text, to_char(t.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) AS "dueDate",
    t.due_at AS "dueAt",
    t.due_on IS NOT NULL AS "dueAllDay",
    t.started_at AS "startedAt",
    t.completed_at AS "completedAt",
    coalesce(
        (
            SELECT json_agg(json_build_object('id', l.id, 'name', l.name, 'color', l.color) ORDER BY l.name, l.id)
            FROM task_labels AS x
            INNER JOIN labels AS l ON l.id = x.label_id
            WHERE x.task_id = t.id
        ),
        '[]'::json
    ) AS labels,
    EXISTS (SELECT FROM open_links AS l WHERE l.blocked_id = t.id) AS blocked,
    (
        SELECT json_build_object('total', count(*), 'done', count(*) FILTER (WHERE i.is_done))
        FROM checklist_items AS i
        WHERE i.task_id = t.id
    ) AS checklist,
    (
        SELECT json_build_object('total', count(*), 'done', count(*) FILTER (WHERE s.status IN ('done', 'cancelled')))
        FROM tasks AS s
        WHERE s.parent_id = t.id AND s.deleted_at IS NULL
    ) AS subtasks,
    (
        SELECT count(*)::integer FROM comments AS m WHERE m.task_id = t.id AND m.body IS NOT NULL
    ) AS "commentCount",
    coalesce(
        (
            SELECT json_agg(file)
            FROM (
                SELECT f.id, f.name, f.type, f.bytes, f.width, f.height, f.alt, f.url, f.thumbnail_url AS "thumbnailUrl"
                FROM uploads AS f
                WHERE f.task_id = t.id AND f.removed_at IS NULL
                ORDER BY f.position
            ) AS file
        ),
        '[]'::json
    ) AS uploads,
    (
        SELECT json_build_object('frequency', s.frequency, 'every', s.every, 'until', s.until, 'timezone', s.timezone)
        FROM task_series AS s
        WHERE s.id = t.series_id AND s.ended_at IS NULL
    ) AS repeat,
    t.series_id AS "seriesId",
    t.occurrence,
    t.external_ref AS "externalRef",
    t.version,
    t.created_at AS "createdAt",
    t.updated_at AS "updatedAt",
    t.creator_id AS "_creatorId",
    t.assignee_id AS "_assigneeId",
    t.priority AS "_priority",
    t.due_on AS "_dueOn",
    t.deleted_at AS "_deletedAt"
FROM tasks AS t
INNER JOIN users AS c ON c.id = t.creator_id
LEFT JOIN users AS a ON a.id = t.assignee_id;
COMMENT ON VIEW task_items IS 'Tasks as the API and the frames show them, but for what depends on the viewer; with those in the trash.';

CREATE OR REPLACE FUNCTION end_of_day(day date, user_id uuid) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT (($1 + 1)::timestamp AT TIME ZONE coalesce(
        (SELECT s.timezone FROM notification_settings AS s WHERE s.user_id = $2), 'UTC'
    )) - interval '1 second'
$$;
COMMENT ON FUNCTION end_of_day(date, uuid) IS 'The last second of a day by a person''s clock.';

CREATE OR REPLACE FUNCTION next_reminder(due_at timestamptz, after timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN $1 - interval '24 hours' > $2 THEN $1 - interval '24 hours'
        WHEN $1 > $2 THEN $1
    END
$$;
COMMENT ON FUNCTION next_reminder(timestamptz, timestamptz) IS 'When to remind next of what is due: a day before, then when it is due; NULL where both are past.';

CREATE OR REPLACE FUNCTION keep_task() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    is_new boolean := TG_OP = 'INSERT';
BEGIN
    IF NEW.status = 'in_progress' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
    END IF;
    NEW.completed_at := CASE WHEN NEW.status = 'done' THEN coalesce(NEW.completed_at, now()) END;
    NEW.cancelled_at := CASE WHEN NEW.status = 'cancelled' THEN coalesce(NEW.cancelled_at, now()) END;
    IF NEW.due_on IS NOT NULL THEN
        NEW.due_at := end_of_day(NEW.due_on, coalesce(NEW.assignee_id, NEW.creator_id));
    END IF;
    IF NEW.due_at IS NULL OR NEW.status IN ('done', 'cancelled') THEN
        NEW.remind_at := NULL;
    ELSIF is_new THEN
        NEW.remind_at := next_reminder(NEW.due_at, now());
    ELSIF NEW.due_at IS DISTINCT FROM OLD.due_at
        OR OLD.status IN ('done', 'cancelled')
        OR OLD.deleted_at IS NOT NULL THEN
        NEW.remind_at := next_reminder(NEW.due_at, now());
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION keep_task() IS 'Whoever writes a task: started_at, completed_at and cancelled_at follow its status, due_at its day, remind_at its date.';

CREATE OR REPLACE TRIGGER keep_task
BEFORE INSERT OR UPDATE OF status, due_at, due_on, assignee_id, deleted_at ON tasks
FOR EACH ROW EXECUTE FUNCTION keep_task();
COMMENT ON TRIGGER keep_task ON tasks IS 'started_at, completed_at, due_at of a day, and remind_at are kept.';

CREATE OR REPLACE FUNCTION keep_due_days() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    moved record;
BEGIN
    -- A statement that writes all settings names the zone, too.
    IF TG_OP = 'UPDATE' AND NEW.timezone = OLD.timezone THEN
        RETURN NULL;
    END IF;
    FOR moved IN
        WITH held AS MATERIALIZED (
            SELECT t.id
            FROM tasks AS t
            WHERE (t.assignee_id = NEW.user_id OR t.creator_id = NEW.user_id AND t.assignee_id IS NULL)
                AND t.deleted_at IS NULL
                AND t.due_on IS NOT NULL
                AND t.due_at <> end_of_day(t.due_on, NEW.user_id)
                AND t.status NOT IN ('done', 'cancelled')
            -- The oldest: others may give a person any number, who waits for this.
            ORDER BY t.id
            LIMIT 10000
            FOR NO KEY UPDATE
        )
        UPDATE tasks AS t
        SET due_on = t.due_on
        FROM held AS h
        WHERE t.id = h.id
        RETURNING t.*
    LOOP
        PERFORM emit(
            'task.updated', NEW.user_id, 'task', moved.id,
            jsonb_build_object(
                'version', moved.version, 'creatorId', moved.creator_id, 'assigneeId', moved.assignee_id,
                'projectId', moved.project_id, 'parentId', moved.parent_id, 'watcherIds', '[]'::jsonb,
                'changed', '["dueAt"]'::jsonb
            ),
            '{}', coalesce(moved.project_id, moved.id)
        );
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION keep_due_days() IS 'What is due on a day ends by the clock of whose it is, 10,000 tasks at most, and the rooms that show it are told.';

CREATE OR REPLACE TRIGGER keep_due_days AFTER INSERT OR UPDATE OF timezone ON notification_settings
FOR EACH ROW EXECUTE FUNCTION keep_due_days();
COMMENT ON TRIGGER keep_due_days ON notification_settings IS 'Open tasks of the person that are due on a day become due at its end in the zone.';

CREATE OR REPLACE FUNCTION last_rank(project_id uuid, status text) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    -- What stands in no project has no column.
    SELECT CASE
        WHEN $1 IS NOT NULL THEN least(
            1048576 + coalesce(
                (
                    SELECT t.rank
                    FROM tasks AS t
                    WHERE t.project_id = $1 AND t.status = $2 AND t.deleted_at IS NULL
                    ORDER BY t.rank DESC
                    LIMIT 1
                ),
                0
            ),
            4503599627370496
        )
        ELSE 0
    END
$$;
COMMENT ON FUNCTION last_rank(uuid, text) IS 'The rank behind all others of a column, 2^20 on; 0 without a project.';

CREATE OR REPLACE FUNCTION find_tasks(
    viewer uuid, sees_all boolean, statuses text[], priorities smallint[], kinds text[], assignee uuid, creator uuid,
    project uuid, label uuid, parent uuid, blocked boolean, words text, due_from timestamptz, due_before timestamptz
) RETURNS SETOF tasks
LANGUAGE sql STABLE
AS $$
    SELECT t.*
    FROM visible_tasks($1, $2) AS t
    -- The planner takes a CASE for one that half of the rows pass, and so reads an index in its order until a page is full.
    -- Of these conditions it would think that they leave nothing, and sort what they leave.
    WHERE CASE
        WHEN t.status = ANY($3)
            AND t.priority = ANY($4)
            AND t.kind = ANY($5)
            AND ($6 IS NULL OR coalesce(t.assignee_id, '00000000-0000-0000-0000-000000000000') = $6)
            AND ($7 IS NULL OR t.creator_id = $7)
            AND ($8 IS NULL OR coalesce(t.project_id, '00000000-0000-0000-0000-000000000000') = $8)
            AND ($10 IS NULL OR t.parent_id = $10)
            AND ($13 IS NULL OR t.due_at >= $13)
            AND ($14 IS NULL OR t.due_at < $14)
            AND ($12 IS NULL OR fold_text(t.title) LIKE (SELECT '%' || fold_text($12) || '%'))
            AND ($9 IS NULL OR (SELECT true FROM task_labels AS x WHERE x.task_id = t.id AND x.label_id = $9))
            AND (
                $11 IS NULL
                OR $11 = coalesce((SELECT true FROM open_links AS l WHERE l.blocked_id = t.id LIMIT 1), false)
            )
            THEN true
    END
$$;
COMMENT ON FUNCTION find_tasks(uuid, boolean, text[], smallint[], text[], uuid, uuid, uuid, uuid, uuid, boolean, text, timestamptz, timestamptz) IS 'The visible tasks that filters leave, each of which is NULL where it is not asked for; all zeros for nobody and no project. `words`: of the title, with %, _ and \ escaped. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION task_sources(viewer uuid, source text, source_id uuid)
RETURNS TABLE (name text, id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT s.name, $1 FROM (VALUES ('creator'), ('assignee')) AS s (name) WHERE $2 IN ('own', 'mine')
    UNION ALL
    SELECT 'project', m.project_id FROM project_members AS m WHERE $2 = 'own' AND m.user_id = $1
    UNION ALL
    SELECT $2, $3 WHERE $2 NOT IN ('own', 'mine')
$$;
COMMENT ON FUNCTION task_sources(uuid, text, uuid) IS 'Where a list of tasks is read from, each by an index of its own: `own`: from all that makes tasks visible to a viewer; `mine`: from that but for projects; else from the one source that is named. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION has_many_projects(viewer uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT count(*) > 20 FROM (SELECT FROM project_members AS m WHERE m.user_id = $1 LIMIT 21) AS p
$$;
COMMENT ON FUNCTION has_many_projects(uuid) IS 'Whether a person is a member of more projects than are quickly read one by one.';

DROP VIEW IF EXISTS label_items;
CREATE VIEW label_items AS
SELECT l.id, l.name, l.color, l.project_id AS "projectId", l.created_at AS "createdAt"
FROM labels AS l;
COMMENT ON VIEW label_items IS 'Labels as the API and the frames show them.';

-- A change of a task writes its texts, too, which mostly stay the same.
CREATE OR REPLACE TRIGGER doubt_words AFTER UPDATE OF title, description ON tasks
FOR EACH ROW WHEN (OLD.title <> NEW.title OR OLD.description IS DISTINCT FROM NEW.description)
EXECUTE FUNCTION doubt_words('title', 'description');
COMMENT ON TRIGGER doubt_words ON tasks IS 'Words of a text that was changed go into search_doubts.';

CREATE OR REPLACE TRIGGER doubt_purged_words AFTER DELETE ON tasks
FOR EACH ROW EXECUTE FUNCTION doubt_words('title', 'description');
COMMENT ON TRIGGER doubt_purged_words ON tasks IS 'Words of what is purged go into search_doubts.';
