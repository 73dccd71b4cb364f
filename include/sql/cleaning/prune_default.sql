-- Drop what came before a day and lies in the default partition of a history table.
--   parent  text  job_history or delivery_attempts
--   before  date
-- Returns how many rows went.
SELECT prune_default_history(%(parent)s, %(before)s);
