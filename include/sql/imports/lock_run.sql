-- Show that an import is alive, until its session ends or it says that it has ended.
--   run_id  bigint
SELECT pg_advisory_lock(hashtextextended('doclife import ' || %(run_id)s, 0));
