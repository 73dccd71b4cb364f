-- The certificate of a plan.
--   plan_id  bigint
-- Returns a row as certificates/list does; none for a plan without.
SELECT
    issued.plan_id,
    organization.slug AS organization,
    issued.issued_at,
    issued.body,
    issued.merkle_root,
    issued.signature,
    issued.public_key,
    file.uri AS file_uri
FROM certificates AS issued
INNER JOIN organizations AS organization ON issued.organization_id = organization.id
LEFT JOIN certificate_files AS file ON issued.plan_id = file.plan_id
WHERE issued.plan_id = %(plan_id)s;
