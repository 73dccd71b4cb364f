-- Make sure that a rule of this name exists, and return its id.
--   organization_id  bigint
--   name             text
INSERT INTO rules (organization_id, name)
VALUES (%(organization_id)s, %(name)s)
ON CONFLICT (organization_id, name) DO UPDATE SET removed_at = NULL
RETURNING id;
