-- Let one migration run at a time in this database, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('doclife migrations', 0));
