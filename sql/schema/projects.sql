-- Projects: how one is shown and described, who restores it, and what becomes of its words.

CREATE OR REPLACE FUNCTION describe_project(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT p.name, excerpt(p.description), NULL::uuid
    FROM projects AS p
    WHERE p.id = $1 AND project_role(p.id, $2, holds_permission($2, 'project:manage')) IS NOT NULL
$$;
COMMENT ON FUNCTION describe_project(uuid, uuid) IS 'A project in describe_entity().';

SELECT gather_kinds();

DROP VIEW IF EXISTS project_items;
CREATE VIEW project_items AS
SELECT
    p.id,
    p.name,
    p.description,
    p.visibility,
    (SELECT count(*)::integer FROM project_members AS m WHERE m.project_id = p.id) AS "memberCount",
    -- The limit is that of projects_quota.
    json_build_object('bytes', p.file_bytes, 'limit', 1073741824) AS storage,
    p.version,
    p.created_at AS "createdAt",
    p.updated_at AS "updatedAt",
    p.deleted_at AS "_deletedAt",
    p.deleted_by AS "_deletedBy"
FROM projects AS p;
COMMENT ON VIEW project_items IS 'Projects as the API and the frames show them, but for what depends on the viewer. With those in the trash.';

CREATE OR REPLACE FUNCTION trashed_projects(viewer uuid, manages boolean) RETURNS SETOF projects
LANGUAGE sql STABLE
AS $$
    SELECT p.*
    FROM projects AS p
    WHERE p.deleted_at > trash_limit()
        AND (
            $2 OR (
                SELECT true FROM project_members AS m WHERE m.project_id = p.id AND m.user_id = $1 AND m.role = 'owner'
            )
        )
$$;
COMMENT ON FUNCTION trashed_projects(uuid, boolean) IS 'The projects in the trash that a viewer may restore. What has been there for longer waits to be removed. In FROM, a query takes it in.';

CREATE OR REPLACE TRIGGER doubt_words AFTER DELETE OR UPDATE OF name, description ON projects
FOR EACH ROW EXECUTE FUNCTION doubt_words('name', 'description');
COMMENT ON TRIGGER doubt_words ON projects IS 'Words of a text that was changed or purged go into search_doubts.';
