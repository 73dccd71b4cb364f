-- The rows of the batch that were not taken over, and why.
-- Returns uri text, outcome text.
SELECT
    uri,
    outcome
FROM pg_temp.import_rows
WHERE outcome NOT IN ('new', 'changed', 'unchanged')
ORDER BY line;
