-- Note that an import has ended.
--   run_id         bigint
--   refused_count  bigint  files that were not imported
--   error          text    what ended it before its end; NULL when nothing did
UPDATE import_runs
SET finished_at = clock_timestamp(), refused_count = %(refused_count)s, error = %(error)s
WHERE id = %(run_id)s;
