-- Write down that items were taken back.
--   plan_id       bigint
--   document_ids  bigint[]
--   now           timestamptz
UPDATE plan_items
SET state = 'undone', finished_at = %(now)s
WHERE
    plan_id = %(plan_id)s
    AND document_id = ANY(%(document_ids)s::bigint [])
    AND state = 'done'
    AND action IN ('ARCHIVE', 'DELETE');
