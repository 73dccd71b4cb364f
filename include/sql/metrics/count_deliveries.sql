-- Attempts of a day, as the processes that made them counted.
--   today  date  in UTC
-- Returns kind, outcome, within_seconds (the bound below which they took; infinity for the longest), attempts.
SELECT
    kind,
    outcome,
    within_seconds,
    attempts
FROM delivery_counts
WHERE day = %(today)s;
