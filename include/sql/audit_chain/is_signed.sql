-- Whether a key has signed a link of a chain already.
--   organization_id  bigint
--   sequence         bigint
--   key_fingerprint  text
SELECT count(*) > 0 AS is_signed
FROM audit_heads
WHERE
    organization_id = %(organization_id)s
    AND sequence = %(sequence)s
    AND key_fingerprint = %(key_fingerprint)s;
