-- The documents of a plan that were not destroyed, by the one word that says why: the first thing that
-- spoke against each.
--   plan_id  bigint
-- Returns reason text and document_ids bigint[].
WITH remaining AS (
    SELECT DISTINCT ON (item.document_id)
        item.document_id,
        item.reason_code
    FROM plan_items AS item
    WHERE
        item.plan_id = %(plan_id)s
        AND item.state IN ('skipped', 'failed')
        AND NOT EXISTS (
            SELECT
            FROM certificate_items AS destroyed
            WHERE
                destroyed.plan_id = item.plan_id
                AND destroyed.document_id = item.document_id
        )
    ORDER BY item.document_id, item.action_index
)

SELECT
    reason_code AS reason,
    array_agg(document_id ORDER BY document_id) AS document_ids
FROM remaining
GROUP BY reason_code
ORDER BY reason_code;
