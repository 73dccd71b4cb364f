-- Note how much an import has to read.
--   run_id       bigint
--   file_count   bigint
--   total_bytes  bigint
UPDATE import_runs
SET
    reading_at = clock_timestamp(),
    file_count = %(file_count)s,
    total_bytes = %(total_bytes)s
WHERE id = %(run_id)s;
