-- Note what a stored plan says about each chosen document, and why others are not in it.
--   plan_id          bigint
--   organization_id  bigint    documents of other organizations are passed over
--   document_ids     bigint[]
INSERT INTO pg_temp.batch_outcomes (document_id, code, reason, blocking_rule)
SELECT
    document.id,
    CASE
        WHEN item.document_id IS NOT NULL THEN item.reason_code
        WHEN document.status = 'deleted' THEN 'in_trash'
        WHEN document.status = 'archived' THEN 'is_archived'
        WHEN document.status = 'purging' THEN 'being_destroyed'
        WHEN document.status = 'purged' THEN 'destroyed'
        ELSE 'changed_meanwhile'
    END,
    item.reason,
    rule.name || '@' || version.version
FROM documents AS document
-- Looked up one by one: of a plan that was stored a moment ago the database has no statistics, and
-- would compare each document with each item.
LEFT JOIN LATERAL (
    SELECT
        found.document_id,
        found.reason_code,
        found.reason,
        found.blocking_rule_version_id
    FROM plan_items AS found
    WHERE
        found.plan_id = %(plan_id)s
        AND found.document_id = document.id
        AND found.action_index = 0
    ORDER BY found.document_id
    LIMIT 1
) AS item ON TRUE
LEFT JOIN rule_versions AS version ON item.blocking_rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE
    document.organization_id = %(organization_id)s
    AND document.id = ANY(%(document_ids)s::bigint []);
