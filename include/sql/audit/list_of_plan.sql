-- What was done by one plan, as audit/list returns it. Its entries lie together and are read as a whole,
-- never the trail backwards in search of them.
--   organization_id  bigint
--   document_id      bigint  only about this document; NULL for all
--   plan_id          bigint
--   actor            text    only by this one, e.g. user:olga; NULL for all
--   before           bigint  only smaller numbers, for the next page; NULL to begin
--   size             integer
WITH of_plan AS MATERIALIZED (
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
        plan_id = %(plan_id)s
        AND organization_id = %(organization_id)s
        AND (%(document_id)s::bigint IS NULL OR document_id = %(document_id)s)
        AND (%(actor)s::text IS NULL OR actor = %(actor)s)
        AND (%(before)s::bigint IS NULL OR id < %(before)s)
)

SELECT
    entry_id,
    at,
    actor,
    rule,
    action,
    document_id,
    plan_id,
    reason,
    details
FROM of_plan
ORDER BY entry_id DESC
LIMIT %(size)s;
