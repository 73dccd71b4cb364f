-- Let work go on.
--   actor  text
--   now    timestamptz
UPDATE switches
SET is_on = FALSE, reason = NULL, set_by = %(actor)s, set_at = %(now)s
WHERE name = 'halt';
