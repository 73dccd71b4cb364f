-- What was done to a document, by whom and why, the newest first.
--   document_id  bigint
--   size         integer
SELECT
    at,
    actor,
    rule,
    action,
    plan_id,
    reason,
    details
FROM audit_entries
WHERE document_id = %(document_id)s
ORDER BY id DESC
LIMIT %(size)s;
