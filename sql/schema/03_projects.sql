-- Projects: who is what in one, and for how long things of theirs stay in the trash.

CREATE OR REPLACE FUNCTION project_role(project_id uuid, viewer uuid, manages boolean) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN $3 THEN 'owner'
        ELSE coalesce(
            (SELECT m.role FROM project_members AS m WHERE m.project_id = p.id AND m.user_id = $2),
            CASE WHEN p.visibility = 'public' OR (p.visibility = 'internal' AND $2 IS NOT NULL) THEN 'reader' END
        )
    END
    FROM projects AS p
    WHERE p.id = $1 AND p.deleted_at IS NULL
$$;
COMMENT ON FUNCTION project_role(uuid, uuid, boolean) IS 'The one rule of who may what in a project: owner, editor, viewer, or reader, who is no member of one that is open to them; NULL where they may not know of it. `viewer` NULL: nobody is signed in. `manages`: they hold project:manage.';

CREATE OR REPLACE FUNCTION trash_limit() RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT now() - interval '30 days'
$$;
COMMENT ON FUNCTION trash_limit() IS 'Projects, files and tasks that were deleted after this moment can be restored; those deleted before it are removed for good.';
