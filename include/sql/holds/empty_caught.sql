-- Empty the working table, for whoever holds twice in one transaction.
DELETE FROM pg_temp.caught;
