-- Record a report that was made; its files lie in a store.
--   organization_id            bigint
--   job_id                     bigint   the job that asked for it: it makes one
--   starts_on, ends_on         date
--   now                        timestamptz
--   requested_by               text     who stored the job
--   store_name                 text
--   html_uri, csv_uri          text
--   html_bytes, csv_bytes      bigint
--   html_sha256, csv_sha256    bytea
--   summary                    jsonb
-- Returns its id; no row when that job's report is there already.
INSERT INTO reports (
    organization_id,
    job_id,
    starts_on,
    ends_on,
    made_at,
    requested_by,
    store_name,
    html_uri,
    html_bytes,
    html_sha256,
    csv_uri,
    csv_bytes,
    csv_sha256,
    summary
)
VALUES (
    %(organization_id)s,
    %(job_id)s,
    %(starts_on)s,
    %(ends_on)s,
    %(now)s,
    %(requested_by)s,
    %(store_name)s,
    %(html_uri)s,
    %(html_bytes)s,
    %(html_sha256)s,
    %(csv_uri)s,
    %(csv_bytes)s,
    %(csv_sha256)s,
    %(summary)s
)
ON CONFLICT (job_id) DO NOTHING
RETURNING id;
