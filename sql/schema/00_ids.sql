-- Time-ordered ids.

-- PostgreSQL has its own from 18 on. One expression, so that it is inlined: a function with a FROM is planned again at
-- every call. 48 bits of milliseconds, the version, 12 bits of the millisecond's fraction, 62 random bits.
DO $$
BEGIN
    IF to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN
        CREATE OR REPLACE FUNCTION uuidv7() RETURNS uuid
        LANGUAGE sql VOLATILE PARALLEL SAFE
        AS $body$
            SELECT (
                overlay(
                    lpad(to_hex((date_part('epoch', clock_timestamp()) * 1000000)::bigint * 512 / 125), 15, '0')
                    PLACING '7' FROM 13 FOR 0
                )
                || right(gen_random_uuid()::text, 17)
            )::uuid
        $body$;
        COMMENT ON FUNCTION uuidv7() IS 'A time-ordered id (RFC 9562); built into PostgreSQL from 18 on.';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION read_time(id uuid) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    -- 48 bits of milliseconds; behind the version, 12 bits of the millisecond's fraction.
    SELECT 'epoch'::timestamptz + interval '1 microsecond' * (
        ('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint * 1000
        + ('x' || substring(id::text FROM 16 FOR 3))::bit(12)::integer * 1000 / 4096
    )
$$;
COMMENT ON FUNCTION read_time(uuid) IS 'When a version 7 id was made.';

CREATE OR REPLACE FUNCTION first_id(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
COMMENT ON FUNCTION first_id(timestamptz) IS 'The least version 7 id that can be made at a moment.';
