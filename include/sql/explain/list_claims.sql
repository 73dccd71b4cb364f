-- The open plans that have something to do with a document, the newest first.
--   document_id  bigint
SELECT
    plan.id AS plan_id,
    rule.name || '@' || version.version AS rule,
    plan.kind,
    item.action,
    plan.state,
    plan.approval_reason,
    plan.required_stages,
    plan.created_at
FROM plan_items AS item
INNER JOIN plans AS plan ON item.plan_id = plan.id
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE
    item.document_id = %(document_id)s
    AND item.state = 'planned'
    AND plan.mode = 'enforce'
    AND plan.state IN ('planned', 'needs_approval', 'approved', 'applying')
ORDER BY plan.id DESC, item.action_index ASC;
