-- Which warnings about a document were stored and what became of them, the newest first.
--   document_id  bigint
-- WITH ORDINALITY keeps the function from being folded into this statement: over every day of the
-- history that takes longer to plan than all else, also where nobody was warned.
SELECT
    rule.name AS rule,
    notice.due_on,
    notice.window_days,
    notice.created_at,
    notice.recipient,
    coalesce(told.state, 'shown') AS state
FROM notices AS notice
INNER JOIN rules AS rule ON notice.rule_id = rule.id
LEFT JOIN LATERAL
    warnings_of(notice.rule_id, notice.document_id, notice.due_on) WITH ORDINALITY AS told
    ON notice.id = told.notice_id
WHERE notice.document_id = %(document_id)s AND notice.window_days IS NOT NULL
ORDER BY notice.id DESC
LIMIT 20;
