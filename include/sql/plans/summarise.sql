-- Write a new plan's totals into it. The population was counted into pg_temp.population before.
--   plan_ids       bigint[]
--   organization_id bigint
UPDATE plans
SET
    document_count = coalesce(items.document_count, 0),
    total_bytes = coalesce(items.total_bytes, 0),
    blocked_count = coalesce(items.blocked_count, 0),
    population = coalesce((
        SELECT population.documents
        FROM pg_temp.population
        WHERE population.organization_id = %(organization_id)s
    ), 0)
FROM unnest(%(plan_ids)s::bigint []) AS wanted (plan_id)
LEFT JOIN (
    SELECT
        plan_id,
        count(DISTINCT document_id) FILTER (WHERE state = 'planned') AS document_count,
        count(DISTINCT document_id) FILTER (WHERE state = 'skipped') AS blocked_count,
        sum(size_bytes) FILTER (WHERE state = 'planned') AS total_bytes
    FROM plan_items
    WHERE plan_id = ANY(%(plan_ids)s::bigint [])
    GROUP BY plan_id
) AS items ON wanted.plan_id = items.plan_id
WHERE plans.id = wanted.plan_id;
