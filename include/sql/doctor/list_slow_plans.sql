-- Plans that are being applied and those that wait for a person.
-- Returns plan_id, organization, state (applying, needs_approval, approved), since: the last progress of one
-- that is being applied, else when it was made.
SELECT
    plan.id AS plan_id,
    organization.slug AS organization,
    plan.state,
    CASE
        WHEN plan.state = 'applying'
            THEN greatest(
                plan.applying_at,
                (SELECT max(shard.progressed_at) FROM plan_shards AS shard WHERE shard.plan_id = plan.id)
            )
        ELSE plan.created_at
    END AS since
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
WHERE plan.mode = 'enforce' AND plan.state IN ('applying', 'needs_approval', 'approved')
ORDER BY plan.id;
