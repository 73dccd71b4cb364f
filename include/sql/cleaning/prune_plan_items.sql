-- Forget some of what one plan did not do, of the oldest plan that has such items.
--   idle_before     timestamptz  plans of before that never acted: simulated, superseded, lapsed
--   skipped_before  timestamptz  plans of before that have ended, however
--   size            integer      how many rows at most
-- Returns how many rows went; NULL when there is no such plan any more.
SELECT prune_plan_items(%(idle_before)s, %(skipped_before)s, %(size)s);
