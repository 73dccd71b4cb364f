-- Reports that were made, the newest first.
--   organization_id  bigint
--   report_id        bigint   only this one; NULL for all
--   job_id           bigint   only that job's; NULL for all
--   before           bigint   the last id of the page before; NULL to begin
--   size             integer
-- Returns report_id, job_id, starts_on, ends_on, made_at, requested_by, store_name, html_uri, html_bytes,
-- html_sha256, csv_uri, csv_bytes, csv_sha256 and summary.
SELECT
    id AS report_id,
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
FROM reports
WHERE
    organization_id = %(organization_id)s
    AND (%(report_id)s::bigint IS NULL OR id = %(report_id)s)
    AND (%(job_id)s::bigint IS NULL OR job_id = %(job_id)s)
    AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC
LIMIT %(size)s;
