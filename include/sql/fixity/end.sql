-- Say that a check has come to its end.
--   check_id  bigint
--   now       timestamptz
UPDATE fixity_checks
SET ended_at = %(now)s
WHERE id = %(check_id)s AND ended_at IS NULL
RETURNING id AS check_id;
