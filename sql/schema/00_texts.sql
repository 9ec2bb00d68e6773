-- Texts as they are compared and found: letters without case and accents, words with spaces between them.

CREATE OR REPLACE FUNCTION fold_text(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- Taken apart, accents are characters of their own; what Unicode does not take apart is replaced letter by letter.
    -- Vowel points, fillers of no width, selectors of variants and colours of skin go as well.
    SELECT CASE
        WHEN octet_length(written) = length(written) THEN lower(written)
        ELSE replace(replace(translate(
            lower(normalize(
                regexp_replace(
                    normalize(written, NFKD),
                    '[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff]+',
                    '', 'g'
                ),
                NFC
            )),
            'øłđðħŧıς', 'olddhtiσ'
        ), 'ß', 'ss'), 'æ', 'ae')
    END
$$;
COMMENT ON FUNCTION fold_text(text) IS 'A text in lower case, without accents, however its characters are composed and however wide: two that read alike are equal.';

CREATE OR REPLACE FUNCTION part_words(written text, seam text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- Of all other signs the parser makes nothing. One after the other they take 3 us in 300 characters, translate() 60.
    SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(
        written, '.', seam), '-', seam), '/', seam), '@', seam), '_', seam), '<', seam), '>', seam), '&', seam), '+', seam)
$$;
COMMENT ON FUNCTION part_words(text, text) IS 'A text with `seam` in place of what would have the parser take some words for an address, a file, a compound, a number with a sign, or markup.';

CREATE OR REPLACE FUNCTION name_dense() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]'
$$;
COMMENT ON FUNCTION name_dense() IS 'A character, as a regular expression, of the scripts that put no space between words or hang endings on them: Thai, Lao, Burmese, Khmer, kana, Chinese characters, Hangul.';

CREATE OR REPLACE FUNCTION spread_words(written text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    dense CONSTANT text := name_dense();
    -- Two letters make a flag.
    picture CONSTANT text := '[\U0001f1e6-\U0001f1ff]{2}|[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]';
    words text := fold_text(written);
    sign text;
BEGIN
    IF octet_length(words) > length(words) THEN
        IF words ~ dense THEN
            -- Each pair is a word to PostgreSQL: of a text that is mostly of such scripts the beginning must do, or one post
            -- of 20,000 characters would take 50 ms to index and 280 KB.
            IF octet_length(words) > 2 * length(words) THEN
                words := left(words, 5000);
            END IF;
            -- "abc" becomes "a ab bc c".
            words := regexp_replace(regexp_replace(words, dense || '+', ' \& ', 'g'), dense, '\& \&', 'g');
        END IF;
        IF words ~ picture THEN
            FOR sign IN
                SELECT DISTINCT m[1] FROM regexp_matches(words, '(' || picture || ')', 'g') AS m LIMIT 50
            LOOP
                words := replace(words, sign, ' u' || to_hex(ascii(sign)) || 'u' || to_hex(ascii(substr(sign, 2))) || ' ');
            END LOOP;
        END IF;
    END IF;
    RETURN part_words(words, ' ');
END
$$;
COMMENT ON FUNCTION spread_words(text) IS 'The words of a text with spaces between them: of addresses and compounds the parts, of scripts without spaces each pair of neighbours (among 5,000 characters), the first and the last character of a run alone, of up to 50 emoji "u" and the number.';
