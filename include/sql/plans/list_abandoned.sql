-- The plans of an organization that were begun and may not be continued: too old, or their rule is
-- no longer in force at that version.
--   organization_id  bigint
--   now              timestamptz
--   max_age_days     integer
SELECT plan.id
FROM plans AS plan
WHERE
    plan.organization_id = %(organization_id)s
    AND plan.state = 'applying'
    AND (
        plan.created_at < %(now)s - make_interval(days => %(max_age_days)s)
        OR (
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
        )
    );
