-- Let nobody else run a schedule until the transaction ends.
--   schedule_id  bigint
-- Returns false, at once, when somebody else is at it.
SELECT pg_try_advisory_xact_lock(hashtextextended('doclife schedule', %(schedule_id)s));
