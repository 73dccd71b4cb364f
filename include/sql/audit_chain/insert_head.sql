-- Keep a signed head, and tell of it.
--   organization_id  bigint
--   sequence         bigint
--   hash             bytea
--   signed_at        timestamptz
--   today            date         in the organization's zone
--   message          text         what was signed
--   signature        bytea
--   key_fingerprint  text
--   file_uri         text         where it was written to, or NULL
--   actor            text
WITH signed AS (
    INSERT INTO audit_heads (
        organization_id, sequence, hash, signed_at, message, signature, key_fingerprint, file_uri
    )
    VALUES (
        %(organization_id)s,
        %(sequence)s,
        %(hash)s,
        %(signed_at)s,
        %(message)s,
        %(signature)s,
        %(key_fingerprint)s,
        %(file_uri)s
    )
    RETURNING organization_id, sequence, hash, signed_at, message, signature, key_fingerprint
)

INSERT INTO events (organization_id, type, subject, payload, occurred_on, recorded_at, actor)
SELECT
    signed.organization_id,
    'audit.head_signed',
    'audit-head-' || signed.sequence,
    jsonb_build_object(
        'sequence', signed.sequence,
        'hash', encode(signed.hash, 'hex'),
        'message', signed.message,
        'signature', encode(signed.signature, 'hex'),
        'signing_key', signed.key_fingerprint
    ),
    %(today)s,
    signed.signed_at,
    %(actor)s
FROM signed;
