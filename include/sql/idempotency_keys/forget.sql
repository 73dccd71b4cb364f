-- Forget a key whose request was refused: nothing was done under it.
--   requested_by  text
--   key           text
DELETE FROM idempotency_keys
WHERE requested_by = %(requested_by)s AND key = %(key)s;
