-- The newest link of an organization's chain; no row while there is none.
--   organization_id  bigint
SELECT
    sequence,
    hash
FROM audit_batches
WHERE organization_id = %(organization_id)s
ORDER BY sequence DESC
LIMIT 1;
