-- Kinds of entities: how one is described to whom a notification leads to it, and what it belongs to.

CREATE OR REPLACE FUNCTION excerpt(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN length(left(written, 141)) > 140 THEN left(written, 139) || '…' ELSE written END
$$;
COMMENT ON FUNCTION excerpt(text) IS 'How a text begins, in at most 140 characters.';

-- gather_kinds() writes its body: a branch for each kind that has a function of its own, which the planner takes in, and
-- this for all others.
CREATE OR REPLACE FUNCTION describe_entity(entity_type text, entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT NULL::text, NULL::text, NULL::uuid
$$;
COMMENT ON FUNCTION describe_entity(text, uuid, uuid) IS 'What a notification leads to, as its receiver may see it now: its title or else how it begins, how its text begins, and the post it is or belongs to. No row for what is gone. Only the branch of its kind is run, which is describe_<kind>(); a kind without one has no excerpt.';

CREATE OR REPLACE FUNCTION is_described(entity_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT false
$$;
COMMENT ON FUNCTION is_described(text) IS 'Whether a kind has a function describe_<kind>(): whether it can be told who sees one.';

CREATE OR REPLACE FUNCTION chain_entity(entity_type text, entity_id uuid)
RETURNS TABLE (part_type text, part_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT $1, $2
$$;
COMMENT ON FUNCTION chain_entity(text, uuid) IS 'An entity and all that it belongs to, in any order: what mutes it. Only the branch of its kind is run, which is chain_<kind>(); a kind without one belongs to nothing.';

CREATE OR REPLACE FUNCTION gather_kinds() RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    branches text := '';
    chains text := '';
    known text[] := '{}';
    kind text;
BEGIN
    FOR kind IN
        SELECT substr(p.proname, length('describe_') + 1)
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace
            AND p.proname ^@ 'describe_'
            AND oidvectortypes(p.proargtypes) = 'uuid, uuid'
        ORDER BY p.proname COLLATE "C"
    LOOP
        branches := branches || format(
            E'\n    SELECT d.excerpt, d.beginning, d.post_id FROM %I($2, $3) AS d WHERE $1 = %L\n    UNION ALL',
            'describe_' || kind, kind
        );
        known := known || kind;
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION describe_entity(entity_type text, entity_id uuid, viewer_id uuid) '
        'RETURNS TABLE (excerpt text, beginning text, post_id uuid) LANGUAGE sql STABLE AS %L',
        branches || format(E'\n    SELECT NULL::text, NULL::text, NULL::uuid WHERE $1 <> ALL(%L::text[])\n', known)
    );
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION is_described(entity_type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS %L',
        format(E'\n    SELECT $1 = ANY(%L::text[])\n', known)
    );
    FOR kind IN
        SELECT substr(p.proname, length('chain_') + 1)
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace
            AND p.proname ^@ 'chain_'
            AND oidvectortypes(p.proargtypes) = 'uuid'
        ORDER BY p.proname COLLATE "C"
    LOOP
        chains := chains || format(
            E'\n    UNION ALL\n    SELECT c.part_type, c.part_id FROM %I($2) AS c WHERE $1 = %L', 'chain_' || kind, kind
        );
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION chain_entity(entity_type text, entity_id uuid) '
        'RETURNS TABLE (part_type text, part_id uuid) LANGUAGE sql STABLE AS %L',
        E'\n    SELECT $1, $2' || chains || E'\n'
    );
END
$$;
COMMENT ON FUNCTION gather_kinds() IS 'Makes describe_entity() of all functions describe_<kind>(entity_id, viewer_id), which give rows like it, and chain_entity() of all chain_<kind>(entity_id). A file that defines one calls this behind it.';

CREATE OR REPLACE FUNCTION describe_user(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT display_name(u), NULL::text, NULL::uuid
    FROM users AS u
    WHERE u.id = $1 AND u.status <> 'deleted'
$$;
COMMENT ON FUNCTION describe_user(uuid, uuid) IS 'A person in describe_entity(); whoever has left is gone.';

SELECT gather_kinds();
