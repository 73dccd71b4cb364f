-- A page of a plan's items with what they are about, those that have been due longest first.
--   plan_id         bigint
--   after_due_on    date     due date of the last item of the page before; NULL when it has none
--   after_document  bigint   its document; NULL for the first page
--   size            integer  items per page
-- Returns the same columns as plans/list_items.
SELECT
    item.document_id,
    document.external_id,
    document.title,
    item.action,
    item.state,
    item.reason_code,
    item.reason,
    item.anchor_on,
    item.retain_until,
    item.due_on,
    item.size_bytes,
    blocking.name || '@' || version.version AS blocking_rule
FROM (
    SELECT
        ranked.*,
        coalesce(ranked.due_on, 'infinity'::date) AS due
    FROM plan_items AS ranked
    WHERE
        ranked.plan_id = %(plan_id)s
        AND (
            %(after_document)s::bigint IS NULL
            OR (coalesce(ranked.due_on, 'infinity'::date), ranked.document_id)
            > (coalesce(%(after_due_on)s::date, 'infinity'::date), %(after_document)s)
        )
    -- The page is cut before anything is joined: a plan may have a million items.
    ORDER BY due, ranked.document_id, ranked.action_index
    LIMIT %(size)s
) AS item
INNER JOIN documents AS document ON item.document_id = document.id
LEFT JOIN rule_versions AS version ON item.blocking_rule_version_id = version.id
LEFT JOIN rules AS blocking ON version.rule_id = blocking.id
ORDER BY item.due, item.document_id, item.action_index;
