-- How many documents a rule cannot judge because what it needs is missing or malformed.
--   {hits}  compiled rule with its unknown rows
SELECT count(DISTINCT hit.document_id)
FROM ({hits}) AS hit
WHERE hit.matched IS NULL OR hit.due_on IS NULL;
