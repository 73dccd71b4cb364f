-- Let nobody else take a key up before a moment: whoever does what was asked waits without a connection.
--   requested_by  text
--   key           text
--   until         timestamptz
UPDATE idempotency_keys
SET taken_until = %(until)s
WHERE requested_by = %(requested_by)s AND key = %(key)s;
