-- The first organization that has documents.
--   ids  bigint[]  which ones are looked at
SELECT organization.id
FROM organizations AS organization
WHERE
    organization.id = any(%(ids)s)
    AND EXISTS (SELECT FROM documents WHERE documents.organization_id = organization.id)
ORDER BY organization.id
LIMIT 1;
