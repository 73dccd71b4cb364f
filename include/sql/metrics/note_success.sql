-- Note when a task of a DAG ended well; of several at once the last one counts.
--   dag_id, task_id  text
--   now              timestamptz
INSERT INTO step_successes AS known (dag_id, task_id, succeeded_at)
VALUES (%(dag_id)s, %(task_id)s, %(now)s)
ON CONFLICT (dag_id, task_id) DO UPDATE
    SET succeeded_at = greatest(known.succeeded_at, excluded.succeeded_at);
