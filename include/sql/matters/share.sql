-- Let nobody close an open matter until the transaction ends, before documents are locked that are to
-- be held under it: everybody locks matters before documents.
--   organization_id  bigint
--   name             text
SELECT id
FROM matters
WHERE organization_id = %(organization_id)s AND name = %(name)s AND released_at IS NULL
FOR SHARE;
