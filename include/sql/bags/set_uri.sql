-- Say where a bag lies.
--   bag_id  bigint
--   uri     text
UPDATE archive_bags
SET uri = %(uri)s
WHERE id = %(bag_id)s;
