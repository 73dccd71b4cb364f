-- Plans made since a moment that tripped the circuit breaker, whatever became of them.
--   states  text[]       every state: the index begins with it
--   since   timestamptz
-- Returns organization, scope, limit_name, plans.
SELECT
    organization.slug AS organization,
    trip.value ->> 'scope' AS scope,
    trip.value ->> 'limit' AS limit_name,
    count(*) AS plans
FROM organizations AS organization
CROSS JOIN unnest(%(states)s::text []) AS state (name)
INNER JOIN plans AS plan
    ON
        organization.id = plan.organization_id
        AND state.name = plan.state
        AND plan.created_at >= %(since)s
        AND plan.mode = 'enforce'
CROSS JOIN LATERAL jsonb_array_elements(plan.breaker) AS trip (value)
GROUP BY organization.slug, trip.value ->> 'scope', trip.value ->> 'limit';
