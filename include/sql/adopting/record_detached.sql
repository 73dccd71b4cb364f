-- Write down that a table is followed no more. Its documents stay.
--   attached_id  bigint
--   now          timestamptz
UPDATE attached_tables
SET detached_at = %(now)s
WHERE id = %(attached_id)s;
