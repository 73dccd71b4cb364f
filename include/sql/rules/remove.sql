-- Take a rule out of use; its versions stay, because history points at them.
--   organization_id  bigint
--   name             text
--   now              timestamptz
-- Returns the rule's id when there was one in use.
UPDATE rules
SET removed_at = %(now)s
WHERE organization_id = %(organization_id)s AND name = %(name)s AND removed_at IS NULL
RETURNING id;
