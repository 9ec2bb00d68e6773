-- Usernames that were given up: reserved for a year, so that a stranger does not become who others remember.

CREATE OR REPLACE FUNCTION hash_username(username citext) RETURNS bytea
LANGUAGE sql STABLE
AS $$
    SELECT sha256(key || convert_to(lower(username::text), 'UTF8')) FROM name_key
$$;
COMMENT ON FUNCTION hash_username(citext) IS 'What freed_usernames keeps of a name.';

CREATE OR REPLACE FUNCTION is_username_kept(username citext, wanted_by uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT 1
        FROM freed_usernames AS f
        WHERE f.name_hash = hash_username($1)
            AND f.freed_at > now() - interval '1 year'
            AND (f.user_id = $2) IS NOT TRUE
    )
$$;
COMMENT ON FUNCTION is_username_kept(citext, uuid) IS 'Whether a name is reserved for another than this user (NULL: for a new one), who gave it up within a year or left.';

CREATE OR REPLACE FUNCTION keep_username() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.username = NEW.username THEN
        RETURN NEW;
    END IF;
    IF is_username_kept(NEW.username, NEW.id) THEN
        RAISE unique_violation USING
            MESSAGE = 'username is reserved', TABLE = 'users', CONSTRAINT = 'users_username_key';
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    INSERT INTO freed_usernames (name_hash, user_id) VALUES (hash_username(OLD.username), NEW.id)
    ON CONFLICT (name_hash) DO UPDATE SET user_id = excluded.user_id, freed_at = now();
    IF NEW.status = 'deleted' THEN
        UPDATE freed_usernames SET user_id = NULL WHERE user_id = NEW.id;
    ELSE
        -- Or one account would reserve names without end.
        DELETE FROM freed_usernames
        WHERE name_hash IN (
            SELECT f.name_hash FROM freed_usernames AS f WHERE f.user_id = NEW.id ORDER BY f.freed_at DESC OFFSET 10
        );
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION keep_username() IS 'Refuses reserved usernames, as taken ones are, and reserves the one that is given up.';

CREATE OR REPLACE TRIGGER keep_username BEFORE INSERT OR UPDATE OF username ON users
FOR EACH ROW EXECUTE FUNCTION keep_username();
COMMENT ON TRIGGER keep_username ON users IS 'A reserved username is refused; one that is given up stays reserved for a year, the last ten of each user.';
