-- What was changed in an organization, by whom and why, the newest first.
--   organization_id  bigint
--   document_id      bigint  only about this document; NULL for all
--   actor            text    only by this one, e.g. user:olga; NULL for all
--   before           bigint  only smaller numbers, for the next page; NULL to begin
--   size             integer
SELECT
    id AS entry_id,
    at,
    actor,
    rule,
    action,
    document_id,
    plan_id,
    reason,
    details
FROM audit_entries
WHERE
    organization_id = %(organization_id)s
    AND (%(document_id)s::bigint IS NULL OR document_id = %(document_id)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC
LIMIT %(size)s;
