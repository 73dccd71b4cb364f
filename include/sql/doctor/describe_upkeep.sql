-- How old the oldest row of this database is that was not frozen.
-- Returns one row: transaction_age.
SELECT age(database.datfrozenxid) AS transaction_age
FROM pg_database AS database
WHERE database.datname = current_database();
