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
        UNION ALL SELECT heat(created_at, 2) FROM comments WHERE post_id = wanted AND body IS NOT NULL
        UNION ALL SELECT heat(created_at, 3) FROM interests WHERE post_id = wanted
    ) AS parts
$$;
COMMENT ON FUNCTION measure_post(uuid, timestamptz) IS 'The score of a post as counted from all there is, for one that comes (back) into the lists.';
