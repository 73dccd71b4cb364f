-- The next documents that a plan has archived or trashed, to be taken back.
--   plan_id  bigint
--   after    bigint   the last document of the page before; 0 to begin
--   size     integer
-- Returns document_id, action.
SELECT
    document_id,
    action
FROM plan_items
WHERE
    plan_id = %(plan_id)s
    AND state = 'done'
    AND action IN ('ARCHIVE', 'DELETE')
    AND document_id > %(after)s
ORDER BY document_id
LIMIT %(size)s;
