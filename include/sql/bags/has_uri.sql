-- Tell whether a folder is an archive bag of ours: its files are copies, not documents. One that is forgotten is
-- none: after a restore its bytes may be the only ones, and are imported from there.
--   uri  text
-- Returns one row: boolean.
SELECT count(*) > 0 AS is_bag
FROM archive_bags
WHERE uri = %(uri)s AND state <> 'removed';
