-- Make the partition of one day of a history table, unless it is there.
--   parent  text  job_history or delivery_attempts
--   day     date
-- Returns whether it was made.
SELECT make_history_partition(%(parent)s, %(day)s);
