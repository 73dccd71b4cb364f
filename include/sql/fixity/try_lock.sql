-- Be the only one who checks fixity, until the session ends. False when somebody else does.
SELECT pg_try_advisory_lock(hashtextextended('doclife fixity', 0));
