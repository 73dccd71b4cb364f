-- Declare a metadata key; declaring it again with the same type changes nothing.
--   organization_id  bigint
--   name             text    the key
--   type             text    text, int or date
INSERT INTO metadata_fields (organization_id, name, type)
VALUES (%(organization_id)s, %(name)s, %(type)s)
ON CONFLICT (organization_id, name) DO NOTHING;
