-- Note where a certificate was written to; once more does nothing.
--   plan_id     bigint
--   uri         text
--   written_at  timestamptz
INSERT INTO certificate_files (plan_id, organization_id, uri, written_at)
SELECT
    issued.plan_id,
    issued.organization_id,
    %(uri)s,
    %(written_at)s
FROM certificates AS issued
WHERE issued.plan_id = %(plan_id)s
ON CONFLICT (plan_id) DO NOTHING;
