-- Drop some of what came before a day and lies in the default partition of a history table.
--   parent  text     job_history or delivery_attempts
--   before  date
--   size    integer  how many at most
-- Returns how many rows went.
SELECT prune_default_history(%(parent)s, %(before)s, %(size)s);
