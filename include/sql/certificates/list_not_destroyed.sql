-- The documents of a plan that were not destroyed, by the one word that says why.
--   plan_id  bigint
-- Returns reason text and document_ids bigint[].
SELECT
    reason_code AS reason,
    array_agg(document_id ORDER BY document_id) AS document_ids
FROM plan_items
WHERE plan_id = %(plan_id)s AND state IN ('skipped', 'failed')
GROUP BY reason_code
ORDER BY reason_code;
