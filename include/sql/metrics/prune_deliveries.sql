-- Forget the counts of old days.
--   before  date
DELETE FROM delivery_counts
WHERE day < %(before)s;
