-- Begin a batch; needed where the caller has a transaction around all of them.
DELETE FROM pg_temp.import_rows;
