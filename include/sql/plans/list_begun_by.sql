-- The plans of a DAG that may be applied and have not ended: whoever stored them may have died.
--   dag_id  text
SELECT
    id AS plan_id,
    requested_by
FROM plans
WHERE dag_id = %(dag_id)s AND mode = 'enforce' AND state IN ('planned', 'approved', 'applying')
ORDER BY id;
