-- Which warnings about a document were stored, the newest first.
--   document_id  bigint
SELECT
    rule.name AS rule,
    notice.due_on,
    notice.window_days,
    notice.created_at
FROM notices AS notice
INNER JOIN rules AS rule ON notice.rule_id = rule.id
WHERE notice.document_id = %(document_id)s AND notice.window_days IS NOT NULL
ORDER BY notice.id DESC
LIMIT 20;
