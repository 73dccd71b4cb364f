-- What a request's plan does with the person's documents, and why not with others.
--   plan_id  bigint
-- Returns action, state, reason_code, reason, documents and first_document.
SELECT
    item.action,
    item.state,
    item.reason_code,
    item.reason,
    count(*) AS documents,
    min(item.document_id) AS first_document
FROM plan_items AS item
WHERE item.plan_id = %(plan_id)s
GROUP BY item.action, item.state, item.reason_code, item.reason
ORDER BY documents DESC, item.reason ASC;
