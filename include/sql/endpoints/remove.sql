-- Remove an endpoint for which no call waits. Its calls that were given up keep its name: tried again,
-- they wait until there is an endpoint of that name. A call that another transaction stores meanwhile
-- is not seen: the weekly cleanup gives it up, unless an endpoint of its name has adopted it.
--   endpoint_id  bigint
-- Returns its id; no row when calls wait for it.
WITH removed AS (
    DELETE FROM webhook_endpoints AS endpoint
    WHERE
        endpoint.id = %(endpoint_id)s
        AND NOT EXISTS (SELECT FROM jobs AS job WHERE job.endpoint_id = endpoint.id)
    RETURNING endpoint.id
),

given_up AS (
    UPDATE jobs_failed AS job
    SET endpoint_id = NULL
    FROM removed
    WHERE job.endpoint_id = removed.id
)

SELECT removed.id AS endpoint_id
FROM removed;
