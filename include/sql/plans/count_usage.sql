-- What was destroyed in the last 24 hours or is reserved to be, over every path: the
-- plan in question is left out. Purges are counted by themselves, because what they destroy was
-- counted once when it went into the trash.
-- The population was counted into pg_temp.population before.
--   plan_id  bigint
--   now      timestamptz
-- Returns per scope (rule, organization, deployment) scope text, used bigint, population bigint,
-- max_documents integer, max_fraction numeric (both NULL for the rule: its own definition has them).
WITH plan AS (
    SELECT
        plans.id,
        plans.organization_id,
        version.rule_id,
        plans.kind IN ('purge', 'originals') AS is_purge
    FROM plans
    LEFT JOIN rule_versions AS version ON plans.rule_version_id = version.id
    WHERE plans.id = %(plan_id)s
),

used AS (
    SELECT
        other.organization_id,
        other.rule_id,
        sum(other.done + other.reserved) AS documents
    FROM destruction_in_window(%(now)s) AS other
    CROSS JOIN plan
    WHERE other.plan_id <> plan.id AND other.is_purge = plan.is_purge
    GROUP BY other.organization_id, other.rule_id
)

SELECT
    'rule' AS scope,
    coalesce((
        SELECT sum(used.documents) FROM used WHERE used.rule_id = plan.rule_id
    ), 0)::bigint AS used,
    coalesce((
        SELECT population.documents FROM pg_temp.population
        WHERE population.organization_id = plan.organization_id
    ), 0) AS population,
    NULL::integer AS max_documents,
    NULL::numeric AS max_fraction
FROM plan
WHERE plan.rule_id IS NOT NULL
UNION ALL
SELECT
    'organization',
    coalesce((
        SELECT sum(used.documents) FROM used WHERE used.organization_id = plan.organization_id
    ), 0)::bigint,
    coalesce((
        SELECT population.documents FROM pg_temp.population
        WHERE population.organization_id = plan.organization_id
    ), 0),
    organization.max_documents_per_day,
    organization.max_fraction_per_day
FROM plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
UNION ALL
SELECT
    'deployment',
    coalesce((SELECT sum(used.documents) FROM used), 0)::bigint,
    coalesce((SELECT sum(population.documents) FROM pg_temp.population), 0)::bigint,
    deployment.max_documents_per_day,
    deployment.max_fraction_per_day
FROM plan
CROSS JOIN deployment;
