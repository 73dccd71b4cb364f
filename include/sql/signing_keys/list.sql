-- The public keys of everything that was ever signed here, the first used first.
-- Returns fingerprint text, public_key bytea, first_used_at timestamptz.
SELECT
    fingerprint,
    public_key,
    first_used_at
FROM signing_keys
ORDER BY first_used_at, fingerprint;
