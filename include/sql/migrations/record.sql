-- Write down that a migration was applied.
--   name   text  its file name
--   sha256 text  hex digest of its text
INSERT INTO doclife.schema_migrations (name, sha256)
VALUES (%(name)s, %(sha256)s);
