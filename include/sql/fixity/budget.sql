-- How many bytes a check may read.
SELECT fixity_budget_bytes
FROM deployment;
