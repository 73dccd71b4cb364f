-- How much of an organization is past due, by reason, rule and action.
--   organization_id  bigint
--   today            date    in the organization's zone
--   most             bigint  only so many actions are looked at, the longest overdue; NULL for all
-- Returns code, rule, action, documents, size_bytes, due_since (of the longest overdue).
SELECT
    overdue.code,
    rule.name || '@' || version.version AS rule,
    overdue.action,
    count(*) AS documents,
    sum(overdue.size_bytes)::bigint AS size_bytes,
    min(overdue.due_on) AS due_since
FROM
    overdue_documents(
        %(organization_id)s, %(today)s, NULL, NULL, NULL, NULL, NULL, %(most)s
    ) AS overdue
LEFT JOIN rule_versions AS version ON overdue.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE overdue.code IS NOT NULL
GROUP BY overdue.code, rule.name, version.version, overdue.action
ORDER BY documents DESC, overdue.code ASC, rule.name ASC, overdue.action ASC;
