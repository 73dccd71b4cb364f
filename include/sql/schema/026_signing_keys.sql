-- The public keys of everything that was ever signed here. The private key is an Airflow Connection and
-- never a row. They belong to the deployment, not to an organization: they are no secret, and what one of
-- them signed must stay verifiable after it was replaced.
CREATE TABLE signing_keys (
    -- SHA-256 of the key, in hexadecimal.
    fingerprint text PRIMARY KEY,
    public_key bytea NOT NULL,
    first_used_at timestamptz NOT NULL,
    CONSTRAINT a_public_key_has_32_bytes CHECK (octet_length(public_key) = 32),
    CONSTRAINT a_fingerprint_is_that_of_its_key
    CHECK (fingerprint = encode(sha256(public_key), 'hex'))
);
CREATE TRIGGER signing_keys_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_keys
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT INSERT ON signing_keys TO doclife_worker;
