-- Plans that are meant and not ended.
-- One look into an index for each organization and state, however many plans have ended.
--   states  text[]  planned, needs_approval, approved, applying
-- Returns organization, state, plans, oldest_at: when the oldest of them was made.
SELECT
    organization.slug AS organization,
    state.name AS state,
    found.plans,
    found.oldest_at
FROM organizations AS organization
CROSS JOIN unnest(%(states)s::text []) AS state (name)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS plans,
        min(plan.created_at) AS oldest_at
    FROM plans AS plan
    WHERE
        plan.organization_id = organization.id
        AND plan.state = state.name
        AND plan.mode = 'enforce'
) AS found
WHERE found.plans > 0;
