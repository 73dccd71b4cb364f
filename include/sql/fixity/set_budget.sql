-- Say how many bytes a check may read.
--   budget_bytes  bigint
UPDATE deployment
SET fixity_budget_bytes = %(budget_bytes)s;
