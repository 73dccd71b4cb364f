-- Forget imports that began long ago.
--   before  timestamptz
DELETE FROM import_runs
WHERE started_at < %(before)s;
