-- What plans have done to a document, or a person took out of them, the newest first, and who agreed.
--   document_id  bigint
SELECT
    plan.id AS plan_id,
    plan.kind,
    rule.name || '@' || version.version AS rule,
    version.definition ->> 'authority' AS authority,
    plan.requested_by,
    item.action,
    item.state,
    item.anchor_on,
    item.due_on,
    item.reason,
    item.finished_at,
    (
        SELECT coalesce(array_agg(decision.decided_by ORDER BY decision.stage, decision.id), '{}')
        FROM plan_decisions AS decision
        WHERE
            decision.plan_id = plan.id
            AND decision.decision = 'approve'
            AND decision.is_valid
            AND item.state <> 'skipped'
    ) AS approved_by
FROM plan_items AS item
INNER JOIN plans AS plan ON item.plan_id = plan.id
LEFT JOIN rule_versions AS version ON item.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE
    item.document_id = %(document_id)s
    AND (
        item.state IN ('done', 'failed', 'undone')
        OR item.reason_code IN ('rejected', 'extended')
    )
    AND item.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
ORDER BY item.finished_at DESC, plan.id DESC;
