-- The question that a run has put; the open one, or the newest, where it has put several.
--   dag_id, run_id  text
SELECT
    plan_id,
    stage,
    attempt
FROM plan_reviews
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
ORDER BY (ended_at IS NULL) DESC, asked_at DESC
LIMIT 1;
