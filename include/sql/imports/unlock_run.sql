-- Show that an import has ended.
--   run_id  bigint
SELECT pg_advisory_unlock(hashtextextended('doclife import ' || %(run_id)s, 0));
