-- What keeps messages back: channels whose credentials were refused, endpoints that were disabled.
--   now  timestamptz
-- Returns name (such as email, or an endpoint), organization (NULL for a channel), state
-- (stopped, disabled), reason.
SELECT
    stop.kind AS name,
    NULL::text AS organization,
    'stopped' AS state,
    stop.reason
FROM channel_stops AS stop
WHERE stop.stopped_until > %(now)s
UNION ALL
SELECT
    endpoint.name,
    organization.slug AS organization,
    endpoint.state,
    coalesce(endpoint.disabled_reason, 'no reason is noted') AS reason
FROM webhook_endpoints AS endpoint
INNER JOIN organizations AS organization ON endpoint.organization_id = organization.id
WHERE endpoint.state = 'disabled'
ORDER BY state, name;
