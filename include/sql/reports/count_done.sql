-- What was done to an organization's documents in some days, by rule, action and outcome.
--   organization_id  bigint
--   since            timestamptz  the first moment
--   until            timestamptz  the first moment that is not in it
-- Returns rule (its name, or NULL for a selection by hand), action, state (done, failed, skipped or
-- undone), documents and size_bytes.
SELECT
    rule.name AS rule,
    item.action,
    item.state,
    count(*) AS documents,
    coalesce(sum(item.size_bytes), 0)::bigint AS size_bytes
FROM plans AS plan
INNER JOIN plan_items AS item ON plan.id = item.plan_id
-- A purge has no rule of its own: it ends what the rule began that trashed the document.
LEFT JOIN LATERAL (
    SELECT trashed.rule_version_id
    FROM plan_items AS trashed
    WHERE
        trashed.document_id = item.document_id
        AND trashed.action = 'DELETE'
        AND trashed.state = 'done'
        AND item.action = 'PURGE'
    ORDER BY trashed.finished_at DESC
    LIMIT 1
) AS begun ON TRUE
LEFT JOIN rule_versions AS version
    ON version.id = coalesce(item.rule_version_id, begun.rule_version_id)
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE
    plan.organization_id = %(organization_id)s
    AND plan.state IN ('applying', 'applied', 'undone')
    AND plan.created_at < %(until)s
    AND (plan.applied_at IS NULL OR plan.applied_at >= %(since)s)
    AND item.finished_at >= %(since)s
    AND item.finished_at < %(until)s
GROUP BY rule.name, item.action, item.state
ORDER BY rule.name NULLS LAST, item.action, item.state;
