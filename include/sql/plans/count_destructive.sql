-- How many documents a new plan would archive, delete or purge.
--   plan_id  bigint
SELECT count(DISTINCT document_id)
FROM plan_items
WHERE
    plan_id = %(plan_id)s
    AND state = 'planned'
    AND action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL');
