-- The signed heads of an organization's chain, the newest first.
--   organization_id  bigint
--   size             integer  at most; NULL for all
SELECT
    head.sequence,
    head.hash,
    head.signed_at,
    head.message,
    head.signature,
    key.public_key,
    head.key_fingerprint,
    head.file_uri
FROM audit_heads AS head
INNER JOIN signing_keys AS key ON head.key_fingerprint = key.fingerprint
WHERE head.organization_id = %(organization_id)s
ORDER BY head.id DESC
LIMIT %(size)s;
