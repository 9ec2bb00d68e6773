-- The order of explore. A score is the logarithm of what a post's engagement weighs, where each part counts
-- 2^(days since 1970) as it happens: yesterday's weighs half of today's, and waiting never changes the order of two
-- posts. So nothing is computed anew as time goes by: only the post that somebody likes moves.

CREATE OR REPLACE FUNCTION heat(happened_at timestamptz, weight double precision) RETURNS double precision
LANGUAGE sql STABLE
AS $$
    SELECT extract(epoch FROM happened_at)::double precision / 86400 + ln(weight) / ln(2::double precision)
$$;
COMMENT ON FUNCTION heat(timestamptz, double precision) IS 'What one like, comment or interest is as a score: a logarithm to the base 2, with a half-life of a day.';

CREATE OR REPLACE FUNCTION add_heat(score double precision, added double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    -- power() raises on underflow, and 2^-60 is nothing to a double. A sum begins with NULL, which greatest() and
    -- least() pass over.
    SELECT greatest(score, added)
        + ln(1 + power(2::double precision, - least(abs(score - added), 60))) / ln(2::double precision)
$$;
COMMENT ON FUNCTION add_heat(double precision, double precision) IS 'The sum of two scores.';

CREATE OR REPLACE FUNCTION take_heat(score double precision, taken double precision, least_score double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN score - taken < 1e-9 THEN least_score
        ELSE greatest(
            least_score,
            score + ln(1 - power(2::double precision, - least(score - taken, 60))) / ln(2::double precision)
        )
    END
$$;
COMMENT ON FUNCTION take_heat(double precision, double precision, double precision) IS 'A score without a part of it. What was rounded away does not take it below the least.';

CREATE OR REPLACE FUNCTION measure_post(wanted uuid, published_at timestamptz) RETURNS double precision
LANGUAGE sql STABLE
AS $$
    SELECT sum_heat(part)
    FROM (
        SELECT heat(published_at, 1) AS part
        UNION ALL SELECT heat(created_at, 1) FROM likes WHERE post_id = wanted
        UNION ALL SELECT heat(created_at, 2) FROM comments WHERE post_id = wanted
        UNION ALL SELECT heat(created_at, 3) FROM interests WHERE post_id = wanted
    ) AS parts
$$;
COMMENT ON FUNCTION measure_post(uuid, timestamptz) IS 'The score of a post as counted from all there is, for one that comes (back) into the lists.';

CREATE OR REPLACE FUNCTION place_in_explore() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    published_at timestamptz := CASE WHEN TG_OP = 'INSERT' THEN NEW.created_at ELSE now() END;
BEGIN
    IF NEW.position IS NULL THEN
        DELETE FROM post_scores WHERE post_id = NEW.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO post_scores (post_id, score, least_score)
        VALUES (NEW.id, heat(published_at, 1), heat(published_at, 1));
    ELSE
        INSERT INTO post_scores (post_id, score, least_score)
        VALUES (NEW.id, measure_post(NEW.id, published_at), heat(published_at, 1))
        ON CONFLICT ON CONSTRAINT post_scores_pkey DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION place_in_explore() IS 'What stands in lists stands in explore, from its publication on.';

CREATE OR REPLACE TRIGGER place_in_explore AFTER INSERT ON posts
FOR EACH ROW WHEN (NEW.position IS NOT NULL) EXECUTE FUNCTION place_in_explore();
COMMENT ON TRIGGER place_in_explore ON posts IS 'A post that stands in lists gets its row in post_scores.';

CREATE OR REPLACE TRIGGER replace_in_explore AFTER UPDATE OF position ON posts
FOR EACH ROW WHEN ((OLD.position IS NULL) <> (NEW.position IS NULL)) EXECUTE FUNCTION place_in_explore();
COMMENT ON TRIGGER replace_in_explore ON posts IS 'A post that comes into the lists gets its row in post_scores, one that leaves them loses it.';

CREATE OR REPLACE FUNCTION warm_post() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE post_scores
    SET score = add_heat(score, heat(NEW.created_at, TG_ARGV[0]::double precision))
    WHERE post_id = NEW.post_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION warm_post() IS 'A like, comment or interest (of the weight given) moves its post up.';

CREATE OR REPLACE TRIGGER warm_post AFTER INSERT ON likes FOR EACH ROW EXECUTE FUNCTION warm_post('1');
COMMENT ON TRIGGER warm_post ON likes IS 'A like adds 1 to the post''s score.';

CREATE OR REPLACE TRIGGER warm_post AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION warm_post('2');
COMMENT ON TRIGGER warm_post ON comments IS 'A comment adds 2 to the post''s score.';

CREATE OR REPLACE TRIGGER warm_post AFTER INSERT ON interests FOR EACH ROW EXECUTE FUNCTION warm_post('3');
COMMENT ON TRIGGER warm_post ON interests IS 'An interest adds 3 to the post''s score.';

CREATE OR REPLACE FUNCTION cool_posts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- Once a statement: a post that goes with 10,000 likes is not updated for each of them.
    UPDATE post_scores AS s
    SET score = take_heat(s.score, gone.taken, s.least_score)
    FROM (
        SELECT post_id, sum_heat(heat(created_at, TG_ARGV[0]::double precision)) AS taken
        FROM removed
        GROUP BY post_id
    ) AS gone
    WHERE s.post_id = gone.post_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cool_posts() IS 'Likes, comments or interests (of the weight given) that are taken back take their part of the score along.';

CREATE OR REPLACE TRIGGER cool_posts AFTER DELETE ON likes REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('1');
COMMENT ON TRIGGER cool_posts ON likes IS 'A like that is taken back takes its part of the post''s score along.';

CREATE OR REPLACE TRIGGER cool_posts AFTER DELETE ON comments REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('2');
COMMENT ON TRIGGER cool_posts ON comments IS 'A comment that is deleted takes its part of the post''s score along.';

CREATE OR REPLACE TRIGGER cool_posts AFTER DELETE ON interests REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('3');
COMMENT ON TRIGGER cool_posts ON interests IS 'An interest that is taken back takes its part of the post''s score along.';
