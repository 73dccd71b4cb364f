-- Lock a plan for one batch, shared with other shards, and say what now forbids applying it.
--   plan_id       bigint
--   now           timestamptz  the present
--   max_age_days  integer
-- Returns organization_id, state, refusal_code (NULL when nothing forbids it), refusal. halted and
-- state stop the work; stale and superseded end the plan.
SELECT
    plan.organization_id,
    plan.state,
    CASE
        WHEN halt_reason() IS NOT NULL THEN 'halted'
        WHEN %(now)s > clock_timestamp() + interval '5 seconds' THEN 'future'
        WHEN plan.created_at < %(now)s - make_interval(days => %(max_age_days)s) THEN 'stale'
        WHEN
            plan.rule_version_id IS NOT NULL
            AND NOT EXISTS (
                SELECT
                FROM rules AS rule
                INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
                WHERE
                    version.id = plan.rule_version_id
                    AND rule.removed_at IS NULL
                    AND version.mode = 'enforce'
            )
            THEN 'superseded'
    END AS refusal_code,
    CASE
        WHEN halt_reason() IS NOT NULL THEN halt_reason()
        WHEN %(now)s > clock_timestamp() + interval '5 seconds'
            THEN 'the given present lies in the future of the database clock'
        WHEN plan.created_at < %(now)s - make_interval(days => %(max_age_days)s)
            THEN 'the plan is older than ' || %(max_age_days)s || ' days'
        ELSE 'its rule is no longer in force at that version'
    END AS refusal
FROM plans AS plan
WHERE plan.id = %(plan_id)s
FOR SHARE OF plan;
