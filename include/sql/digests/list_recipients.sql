-- A page of the people who have something to read.
--   after    text     the last recipient of the page before; empty to begin
--   contact  text     the records contact, who gets the overview instead; or NULL
--   size     integer
-- Returns recipient text.
SELECT DISTINCT recipient
FROM pg_temp.digest_rows
WHERE recipient > %(after)s AND recipient IS DISTINCT FROM %(contact)s
ORDER BY recipient
LIMIT %(size)s;
