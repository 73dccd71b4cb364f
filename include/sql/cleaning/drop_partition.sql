-- Drop the partition of one day of a history table.
--   parent  text  job_history or delivery_attempts
--   day     date
-- Returns whether there was one.
SELECT drop_history_partition(%(parent)s, %(day)s);
