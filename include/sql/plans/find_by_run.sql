-- The plans that a run of a DAG has stored, the oldest first.
--   organization_id  bigint
--   dag_id           text
--   run_id           text
--   size             integer
SELECT plan.id
FROM plans AS plan
WHERE
    plan.organization_id = %(organization_id)s
    AND plan.dag_id = %(dag_id)s
    AND plan.run_id = %(run_id)s
ORDER BY plan.id
LIMIT %(size)s;
