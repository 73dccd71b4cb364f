-- Tell whether a folder is an archive bag of ours: its files are copies, not documents.
--   uri  text
-- Returns one row: boolean.
SELECT count(*) > 0 AS is_bag
FROM archive_bags
WHERE uri = %(uri)s;
