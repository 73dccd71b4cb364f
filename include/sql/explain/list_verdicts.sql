-- What judging in this transaction says: one row per document, rule and action.
SELECT
    judged.document_id,
    judged.rule_version_id,
    judged.action_index,
    judged.action,
    judged.reason_code,
    judged.reason,
    blocking.name || '@' || version.version AS blocking_rule
FROM pg_temp.judgements AS judged
LEFT JOIN rule_versions AS version ON judged.blocking_rule_version_id = version.id
LEFT JOIN rules AS blocking ON version.rule_id = blocking.id
ORDER BY judged.document_id, judged.rule_version_id, judged.action_index;
