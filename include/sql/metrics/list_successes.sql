-- When the tasks of our DAGs last ended well.
--   dag_ids  text[]
-- Returns dag_id, task_id, succeeded_at.
SELECT
    dag_id,
    task_id,
    succeeded_at
FROM step_successes
WHERE dag_id = ANY(%(dag_ids)s);
