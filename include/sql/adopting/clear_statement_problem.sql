-- Every row was read since, so a statement that could not be read is made up for.
--   attached_id  bigint
DELETE FROM attached_table_problems
WHERE attached_table_id = %(attached_id)s AND row_key = '*';
