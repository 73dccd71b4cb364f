-- Note the files of a report that was written again without some documents.
--   report_id                bigint
--   html_bytes, csv_bytes    bigint
--   html_sha256, csv_sha256  bytea
UPDATE reports
SET
    html_bytes = %(html_bytes)s,
    html_sha256 = %(html_sha256)s,
    csv_bytes = %(csv_bytes)s,
    csv_sha256 = %(csv_sha256)s
WHERE id = %(report_id)s;
