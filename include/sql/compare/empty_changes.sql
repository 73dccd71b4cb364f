-- Forget what was compared before in the same transaction.
DELETE FROM pg_temp.changes;
