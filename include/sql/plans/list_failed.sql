-- The documents that a plan failed on.
--   plan_id  bigint
--   size     integer  how many at most
-- Returns document_id, ascending.
SELECT DISTINCT document_id
FROM plan_items
WHERE plan_id = %(plan_id)s AND state = 'failed'
ORDER BY document_id
LIMIT %(size)s;
