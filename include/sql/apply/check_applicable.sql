-- Lock a plan for one batch, shared with other shards, and say what now forbids applying it.
--   plan_id       bigint
--   now           timestamptz  the present
--   max_age_days  integer
-- Returns organization_id, state, refusal_code (NULL when nothing forbids it), refusal. halted and
-- state stop the work; stale and superseded end the plan, also while everything is halted: a dead
-- plan must not be approved because of a halt.
SELECT
    plan.organization_id,
    plan.state,
    CASE
        WHEN %(now)s > clock_timestamp() + interval '5 seconds' THEN 'future'
        WHEN plan.created_at < %(now)s - make_interval(days => %(max_age_days)s) THEN 'stale'
        WHEN plan.rule_version_id IS NOT NULL AND rule_in_force.id IS NULL THEN 'superseded'
        WHEN halt_reason() IS NOT NULL THEN 'halted'
    END AS refusal_code,
    CASE
        WHEN %(now)s > clock_timestamp() + interval '5 seconds'
            THEN 'the given present lies in the future of the database clock'
        WHEN plan.created_at < %(now)s - make_interval(days => %(max_age_days)s)
            THEN 'the plan is older than ' || %(max_age_days)s || ' days'
        WHEN plan.rule_version_id IS NOT NULL AND rule_in_force.id IS NULL
            THEN 'its rule is no longer in force at that version'
        ELSE halt_reason()
    END AS refusal
FROM plans AS plan
LEFT JOIN rule_versions AS version
    ON plan.rule_version_id = version.id AND version.mode = 'enforce'
LEFT JOIN rules AS rule_in_force
    ON version.id = rule_in_force.current_version_id AND rule_in_force.removed_at IS NULL
WHERE plan.id = %(plan_id)s
FOR SHARE OF plan;
