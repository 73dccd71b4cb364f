-- Whether migrations were ever applied to this database.
-- Returns one row: boolean.
SELECT to_regclass('doclife.schema_migrations') IS NOT NULL AS ledger_exists;
