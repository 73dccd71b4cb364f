-- Add to the attempts of a day. In one order, so that two that add do not wait for each other crosswise.
--   today           date      in UTC
--   kinds           text[]    one for each count
--   outcomes        text[]
--   within_seconds  float8[]
--   attempts        bigint[]
INSERT INTO delivery_counts AS known (day, kind, outcome, within_seconds, attempts)
SELECT
    %(today)s,
    given.kind,
    given.outcome,
    given.within_seconds,
    given.attempts
FROM unnest(
    %(kinds)s::text [], %(outcomes)s::text [], %(within_seconds)s::float8 [], %(attempts)s::bigint []
) AS given (kind, outcome, within_seconds, attempts)
ORDER BY given.kind, given.outcome, given.within_seconds
ON CONFLICT (day, kind, outcome, within_seconds) DO UPDATE
    SET attempts = known.attempts + excluded.attempts;
