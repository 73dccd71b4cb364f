-- A page of what is past due, the longest overdue first: among the next so many actions those that are
-- asked for.
--   organization_id  bigint
--   today            date    in the organization's zone
--   code             text    only what is still here for this reason; NULL for all
--   version_id       bigint  only this rule version's; NULL for all
--   after_due_on     date    the last row of the page before; NULL for the first page
--   after_document   bigint
--   after_version    bigint  0 for a purge
--   after_action     integer
--   most             bigint  how many actions are looked at
--   size             integer
SELECT
    overdue.document_id,
    document.external_id,
    document.title,
    document.owner,
    overdue.action,
    overdue.due_on,
    overdue.size_bytes,
    overdue.code,
    overdue.reason,
    overdue.plan_id,
    rule.name || '@' || version.version AS rule,
    blocking.name || '@' || blocking_version.version AS blocking_rule,
    coalesce(overdue.rule_version_id, 0) AS version_id,
    overdue.action_index
FROM
    overdue_documents(
        %(organization_id)s, %(today)s, %(version_id)s, %(after_due_on)s, %(after_document)s,
        %(after_version)s, %(after_action)s, %(most)s
    ) AS overdue
INNER JOIN documents AS document ON overdue.document_id = document.id
LEFT JOIN rule_versions AS version ON overdue.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
LEFT JOIN rule_versions AS blocking_version
    ON overdue.blocking_rule_version_id = blocking_version.id
LEFT JOIN rules AS blocking ON blocking_version.rule_id = blocking.id
WHERE
    overdue.code IS NOT NULL
    AND (%(code)s::text IS NULL OR overdue.code = %(code)s)
ORDER BY
    overdue.due_on,
    overdue.document_id,
    coalesce(overdue.rule_version_id, 0),
    overdue.action_index
LIMIT %(size)s;
