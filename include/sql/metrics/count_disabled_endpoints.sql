-- Webhook endpoints that are disabled, counted.
-- Returns organization, endpoints.
SELECT
    organization.slug AS organization,
    count(*) AS endpoints
FROM webhook_endpoints AS endpoint
INNER JOIN organizations AS organization ON endpoint.organization_id = organization.id
WHERE endpoint.state = 'disabled'
GROUP BY organization.slug;
