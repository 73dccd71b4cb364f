-- Keep what endpoints answered, and disable those that want no more or have failed for too long;
-- their jobs wait until somebody enables them.
--   endpoint_ids      bigint[]   each once
--   successes         boolean[]  whether one call or more was taken
--   failures          boolean[]  whether one or more was not
--   refusals          text[]     why to disable at once, or NULL
--   rest_seconds      float8[]   how long to leave it alone at least, or NULL; longer, the longer it
--                                has been failing, up to ten minutes
--   rest_reasons      text[]     why
--   patience_seconds  integer    how long an endpoint may fail before it is disabled
-- Returns name, organization_id, reason of those that were disabled now.
WITH seen AS (
    SELECT given.*
    FROM unnest(
        %(endpoint_ids)s::bigint [],
        %(successes)s::boolean [],
        %(failures)s::boolean [],
        %(refusals)s::text [],
        %(rest_seconds)s::float8 [],
        %(rest_reasons)s::text []
    ) AS given (endpoint_id, has_success, has_failure, refusal, rest_seconds, rest_reason)
),

judged AS (
    SELECT
        endpoint.id,
        seen.has_success,
        seen.has_failure,
        seen.rest_reason,
        now() + greatest(
            make_interval(secs => seen.rest_seconds),
            least(interval '10 minutes', (now() - endpoint.failing_since) / 10)
        ) AS rests_until,
        CASE
            WHEN endpoint.state <> 'enabled' THEN NULL
            WHEN seen.refusal IS NOT NULL THEN seen.refusal
            WHEN
                seen.has_failure AND NOT seen.has_success
                AND endpoint.failing_since < now() - make_interval(secs => %(patience_seconds)s)
                THEN 'nothing has been delivered since ' || endpoint.failing_since::timestamptz(0)
        END AS reason
    FROM seen
    INNER JOIN webhook_endpoints AS endpoint ON seen.endpoint_id = endpoint.id
    ORDER BY endpoint.id
    FOR UPDATE OF endpoint
),

noted AS (
    UPDATE webhook_endpoints AS endpoint
    SET
        last_success_at = CASE
            WHEN judged.has_success THEN now() ELSE endpoint.last_success_at
        END,
        last_failure_at = CASE
            WHEN judged.has_failure THEN now() ELSE endpoint.last_failure_at
        END,
        failing_since = CASE
            WHEN judged.has_success THEN NULL ELSE coalesce(endpoint.failing_since, now())
        END,
        rests_until = CASE
            WHEN judged.has_success THEN NULL
            WHEN judged.rest_reason IS NULL THEN endpoint.rests_until
            ELSE judged.rests_until
        END,
        rest_reason = CASE
            WHEN judged.has_success THEN NULL
            ELSE coalesce(judged.rest_reason, endpoint.rest_reason)
        END,
        state = CASE WHEN judged.reason IS NULL THEN endpoint.state ELSE 'disabled' END,
        disabled_reason = coalesce(judged.reason, endpoint.disabled_reason)
    FROM judged
    WHERE endpoint.id = judged.id
    RETURNING endpoint.name, endpoint.organization_id, judged.reason
)

SELECT
    noted.name,
    noted.organization_id,
    noted.reason
FROM noted
WHERE noted.reason IS NOT NULL;
