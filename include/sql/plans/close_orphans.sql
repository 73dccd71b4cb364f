-- Close the unapplied plans of an organization whose rule was changed, switched off or removed.
--   organization_id  bigint
-- Returns the ids of the plans that were closed.
UPDATE plans
SET state = 'superseded'
WHERE
    organization_id = %(organization_id)s
    AND mode = 'enforce'
    AND state IN ('planned', 'needs_approval', 'approved')
    AND rule_version_id IS NOT NULL
    AND NOT EXISTS (
        SELECT
        FROM rules AS rule
        INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
        WHERE
            version.id = plans.rule_version_id
            AND rule.removed_at IS NULL
            AND version.mode = 'enforce'
    )
RETURNING id;
