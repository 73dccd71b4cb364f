-- Rows that could not be taken over, the newest first.
--   attached_id  bigint
--   size         integer
SELECT
    row_key,
    reason,
    noticed_at
FROM attached_table_problems
WHERE attached_table_id = %(attached_id)s
ORDER BY noticed_at DESC, row_key ASC
LIMIT %(size)s;
