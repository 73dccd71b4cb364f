-- Count the working table, which nobody else can do: pages of it are then read by its key.
ANALYZE pg_temp.digest_rows;
