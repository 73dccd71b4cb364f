-- Stop every apply, purge and drain at its next batch.
--   reason  text
--   actor   text
--   now     timestamptz
UPDATE switches
SET is_on = TRUE, reason = %(reason)s, set_by = %(actor)s, set_at = %(now)s
WHERE name = 'halt';
