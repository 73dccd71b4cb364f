-- The conditions of an organization's open matters. They stay as they are until the transaction
-- ends: whoever closes or changes such a matter waits. The lock comes before those on documents.
--   organization_id  bigint
SELECT
    id,
    name,
    condition
FROM matters
WHERE
    organization_id = %(organization_id)s
    AND released_at IS NULL
    AND condition IS NOT NULL
ORDER BY id
FOR SHARE;
