-- Certificates, the newest plan first.
--   organization_id  bigint  NULL for all
--   plan_id          bigint  only that of one plan; NULL for all
--   before           bigint  only of plans with a smaller number, for the next page; NULL to begin
--   size             integer
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
WHERE
    (%(organization_id)s::bigint IS NULL OR issued.organization_id = %(organization_id)s)
    AND (%(plan_id)s::bigint IS NULL OR issued.plan_id = %(plan_id)s)
    AND (%(before)s::bigint IS NULL OR issued.plan_id < %(before)s)
ORDER BY issued.plan_id DESC
LIMIT %(size)s;
