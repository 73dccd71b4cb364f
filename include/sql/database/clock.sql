-- The present by the database's own clock, which judges every plan; a caller's may run ahead.
-- Returns one row with now timestamptz.
SELECT clock_timestamp() AS now;
