-- What a rule wants of which document and when, also in future and also where it cannot tell.
--   {hits}  compiled rule with its unknown rows
-- Result: document_id bigint, action text, due_on date, is_unknown boolean.
SELECT
    hit.document_id,
    hit.action,
    hit.due_on,
    hit.matched IS NULL AS is_unknown
FROM ({hits}) AS hit;
