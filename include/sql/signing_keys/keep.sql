-- Keep the public key of a signature; a key that is known already stays as it is.
--   fingerprint    text         SHA-256 of the key, in hexadecimal
--   public_key     bytea        32 bytes, Ed25519
--   first_used_at  timestamptz
INSERT INTO signing_keys (fingerprint, public_key, first_used_at)
VALUES (%(fingerprint)s, %(public_key)s, %(first_used_at)s)
ON CONFLICT (fingerprint) DO NOTHING;
