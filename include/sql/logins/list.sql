-- Every login that has a role of doclife's, and every one that is bound, though it has none (any more).
-- Returns login text, may text (application, reader, everything or nothing), organizations text[] (short
-- names), by_claims boolean, is_bound boolean.
WITH bound AS (
    SELECT
        each.login,
        array_agg(organization.slug ORDER BY organization.slug)
        FILTER (WHERE organization.slug IS NOT NULL) AS organizations,
        bool_or(each.organization_id IS NULL) AS by_claims
    FROM organization_logins AS each
    LEFT JOIN organizations AS organization ON each.organization_id = organization.id
    GROUP BY each.login
),

able AS (
    SELECT
        rolname::text AS login,
        CASE
            WHEN
                pg_has_role(oid, 'doclife_worker', 'MEMBER')
                OR pg_has_role(oid, 'doclife_owner', 'MEMBER')
                THEN 'everything'
            WHEN pg_has_role(oid, 'doclife_application', 'MEMBER') THEN 'application'
            WHEN pg_has_role(oid, 'doclife_reader', 'MEMBER') THEN 'reader'
        END AS may
    FROM pg_roles
    WHERE rolcanlogin AND NOT rolsuper
)

SELECT
    coalesce(able.login, bound.login) AS login,
    coalesce(able.may, 'nothing') AS may,
    coalesce(bound.organizations, '{}') AS organizations,
    coalesce(bound.by_claims, false) AS by_claims,
    bound.by_claims IS NOT NULL AS is_bound
FROM able
FULL JOIN bound ON able.login = bound.login
WHERE able.may IS NOT NULL OR bound.by_claims IS NOT NULL
ORDER BY coalesce(able.login, bound.login);
