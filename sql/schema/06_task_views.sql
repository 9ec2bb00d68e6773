-- Saved views: who may see one.

CREATE OR REPLACE FUNCTION visible_views(viewer uuid, sees_all boolean)
RETURNS TABLE (
    id uuid, name text, "projectId" uuid, query jsonb, shared boolean, owner json, mine boolean, version integer,
    "createdAt" timestamptz, "updatedAt" timestamptz
)
LANGUAGE sql STABLE
AS $$
    SELECT
        v.id, v.name, v.project_id, v.query, v.shared, person(u), v.owner_id = $1, v.version, v.created_at, v.updated_at
    FROM saved_views AS v
    INNER JOIN users AS u ON u.id = v.owner_id
    WHERE v.owner_id = $1
        -- As one value, which no index is looked for: a list walks along its order.
        OR coalesce(
            v.shared
            AND ($2 OR v.project_id IN (SELECT m.project_id FROM project_members AS m WHERE m.user_id = $1))
            AND (SELECT p.deleted_at FROM projects AS p WHERE p.id = v.project_id) IS NULL,
            false
        )
$$;
COMMENT ON FUNCTION visible_views(uuid, boolean) IS 'The saved views that a viewer may see: their own, and those shared in projects that they see. In FROM, a query takes it in.';
