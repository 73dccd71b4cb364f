-- Add an organization with the default settings.
--   slug  text  its short name
--   name  text  its name for people
-- Returns its id; no row when the short name is taken.
INSERT INTO organizations (slug, name)
VALUES (%(slug)s, %(name)s)
ON CONFLICT (slug) DO NOTHING
RETURNING id;
