-- Airflow Connections that stores, endpoints and Slack channels name. An endpoint that names none has its
-- secret in one that is called after it.
-- Returns connection_id, needed_by.
SELECT
    store.connection_id,
    'store ' || store.name AS needed_by
FROM stores AS store
WHERE store.connection_id IS NOT NULL
UNION
SELECT
    coalesce(endpoint.connection_id, 'doclife_endpoint_' || endpoint.id) AS connection_id,
    'endpoint ' || endpoint.name || ' of ' || organization.slug AS needed_by
FROM webhook_endpoints AS endpoint
INNER JOIN organizations AS organization ON endpoint.organization_id = organization.id
WHERE endpoint.state = 'enabled'
UNION
SELECT
    channel.connection_id,
    'Slack channel ' || channel.name || ' of ' || organization.slug AS needed_by
FROM slack_channels AS channel
INNER JOIN organizations AS organization ON channel.organization_id = organization.id
WHERE channel.is_active
ORDER BY connection_id, needed_by;
