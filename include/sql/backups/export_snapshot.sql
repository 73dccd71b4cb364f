-- Let another session see what this transaction sees, until it ends.
-- Returns one row: the name of the snapshot, as pg_dump takes it.
SELECT pg_export_snapshot();
