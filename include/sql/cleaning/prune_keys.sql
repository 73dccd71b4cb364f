-- Forget which jobs had the next so many unique keys, where that has been long enough: another job may
-- have such a key by now, as if it were free.
--   after_organization, after_key  the last key that the call before looked at; 0 and '' to begin
--   now                            timestamptz  no later than the present counts, whoever asks
--   size                           integer      how many keys to look at
-- Returns organization_id and unique_key of the last one (NULL: there are no more) and how many went.
WITH looked_at AS MATERIALIZED (
    SELECT
        organization_id,
        unique_key
    FROM job_keys
    WHERE
        (organization_id, unique_key) > (%(after_organization)s::bigint, %(after_key)s::text)
    ORDER BY organization_id, unique_key
    LIMIT %(size)s
),

gone AS (
    DELETE FROM job_keys AS old
    USING looked_at
    WHERE
        old.organization_id = looked_at.organization_id
        AND old.unique_key = looked_at.unique_key
        AND old.expires_at < least(%(now)s::timestamptz, now())
    RETURNING 1
),

furthest AS (
    SELECT
        organization_id,
        unique_key
    FROM looked_at
    ORDER BY organization_id DESC, unique_key DESC
    LIMIT 1
)

SELECT
    (SELECT furthest.organization_id FROM furthest) AS organization_id,
    (SELECT furthest.unique_key FROM furthest) AS unique_key,
    (SELECT count(*) FROM gone) AS forgotten;
