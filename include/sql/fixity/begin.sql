-- Begin a check, or find the one that this run had begun.
--   dag_id, run_id, actor  text
--   now                    timestamptz
--   budget_bytes           bigint       NULL for the deployment's own
INSERT INTO fixity_checks (dag_id, run_id, actor, started_at, budget_bytes)
SELECT
    %(dag_id)s,
    %(run_id)s,
    %(actor)s,
    %(now)s,
    coalesce(%(budget_bytes)s::bigint, fixity_budget_bytes)
FROM deployment
ON CONFLICT (dag_id, run_id) DO UPDATE SET ended_at = fixity_checks.ended_at
RETURNING id AS check_id, started_at, ended_at, budget_bytes, byte_count;
