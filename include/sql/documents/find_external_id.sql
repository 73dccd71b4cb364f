-- What its application calls a document of an organization.
--   organization_id  bigint
--   document_id      bigint
SELECT external_id
FROM documents
WHERE organization_id = %(organization_id)s AND id = %(document_id)s;
