-- Note the files of a report that was written again without some documents.
--   report_id                bigint
--   html_bytes, csv_bytes    bigint  NULL keeps what is there
--   html_sha256, csv_sha256  bytea
UPDATE reports
SET
    html_bytes = coalesce(%(html_bytes)s, html_bytes),
    html_sha256 = coalesce(%(html_sha256)s, html_sha256),
    csv_bytes = coalesce(%(csv_bytes)s, csv_bytes),
    csv_sha256 = coalesce(%(csv_sha256)s, csv_sha256)
WHERE id = %(report_id)s;
