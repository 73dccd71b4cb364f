-- Take the turn of a key for several transactions, until it is given back or the session ends.
--   requested_by  text
--   key           text
-- Returns whether nobody else is at work on it.
SELECT pg_try_advisory_lock(
    hashtextextended('doclife idempotency ' || %(requested_by)s, hashtextextended(%(key)s, 0))
);
