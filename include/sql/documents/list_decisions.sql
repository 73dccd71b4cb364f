-- What plans decided about a document and why, the newest first; the losers too.
--   document_id  bigint
--   size         integer
SELECT
    item.plan_id,
    plan.kind,
    plan.mode,
    rule.name || '@' || version.version AS rule,
    item.action,
    item.due_on,
    item.retain_until,
    item.state,
    item.reason_code,
    item.reason,
    blocking.name || '@' || blocking_version.version AS blocking_rule,
    item.finished_at
FROM plan_items AS item
INNER JOIN plans AS plan ON item.plan_id = plan.id
LEFT JOIN rule_versions AS version ON item.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
LEFT JOIN rule_versions AS blocking_version
    ON item.blocking_rule_version_id = blocking_version.id
LEFT JOIN rules AS blocking ON blocking_version.rule_id = blocking.id
WHERE item.document_id = %(document_id)s
ORDER BY item.plan_id DESC, item.action_index ASC
LIMIT %(size)s;
