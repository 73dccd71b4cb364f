-- Issue the certificate of a plan; nothing when it has one.
--   plan_id          bigint
--   organization_id  bigint
--   issued_at        timestamptz
--   body             jsonb   what is signed, in its canonical form
--   merkle_root      bytea
--   signature        bytea
--   public_key       bytea
-- Returns plan_id; no row when there was one already.
INSERT INTO certificates (
    organization_id, plan_id, issued_at, body, merkle_root, signature, public_key
)
VALUES (
    %(organization_id)s,
    %(plan_id)s,
    %(issued_at)s,
    %(body)s,
    %(merkle_root)s,
    %(signature)s,
    %(public_key)s
)
ON CONFLICT (plan_id) DO NOTHING
RETURNING plan_id;
