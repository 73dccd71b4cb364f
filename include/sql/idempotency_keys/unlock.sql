-- Give the turn of a key back.
--   requested_by  text
--   key           text
-- Returns whether we had it.
SELECT pg_advisory_unlock(
    hashtextextended('doclife idempotency ' || %(requested_by)s, hashtextextended(%(key)s, 0))
);
