-- What later migrations build on: case-insensitive text, and time-ordered ids before PostgreSQL 18.

CREATE EXTENSION IF NOT EXISTS citext;

DO $$
BEGIN
    IF to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN
        CREATE FUNCTION uuidv7() RETURNS uuid
        LANGUAGE sql VOLATILE PARALLEL SAFE
        AS $body$
            -- 48 bits of milliseconds, the version, 12 bits of the millisecond's fraction, 62 random bits.
            SELECT encode(
                set_byte(
                    set_byte(
                        overlay(
                            uuid_send(gen_random_uuid())
                            PLACING substring(int8send(floor(micros / 1000)::bigint) FROM 3)
                            FROM 1 FOR 6
                        ),
                        6, 112 | ((mod(micros, 1000) * 4096 / 1000)::int >> 8)
                    ),
                    7, (mod(micros, 1000) * 4096 / 1000)::int & 255
                ),
                'hex'
            )::uuid
            FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros) AS clock
        $body$;
        COMMENT ON FUNCTION uuidv7() IS 'A time-ordered id (RFC 9562); built into PostgreSQL from 18 on.';
    END IF;
END
$$;
