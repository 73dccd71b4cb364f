-- How many documents a request's applied plans are still to destroy: those in the trash that no purge has
-- judged yet or that it failed on, those half destroyed, and those of a purge that is not ended. What a purge
-- passed over, because of a hold or the like, is kept.
--   organization_id  bigint
--   selection_key    text    what its plans call the request
-- Returns documents.
SELECT count(DISTINCT item.document_id) AS documents
FROM plans AS plan
INNER JOIN plan_items AS item ON plan.id = item.plan_id
INNER JOIN documents AS document ON item.document_id = document.id
LEFT JOIN LATERAL (
    SELECT told.state = 'skipped' AND told.reason_code NOT IN ('reserved', 'stale', 'superseded') AS is_kept
    FROM plans AS purge
    INNER JOIN plan_items AS told ON purge.id = told.plan_id
    WHERE
        purge.organization_id = plan.organization_id
        AND purge.selection_key = 'purge of erasure ' || plan.id
        AND told.document_id = item.document_id
    ORDER BY purge.id DESC
    LIMIT 1
) AS last_purge ON TRUE
WHERE
    plan.organization_id = %(organization_id)s
    AND plan.kind = 'erasure'
    AND plan.selection_key = %(selection_key)s
    AND plan.state = 'applied'
    AND (
        document.status = 'purging'
        OR (
            item.action = 'DELETE'
            AND item.state = 'done'
            AND document.status = 'deleted'
            AND document.deleted_at = item.finished_at
            AND last_purge.is_kept IS NOT TRUE
        )
    );
