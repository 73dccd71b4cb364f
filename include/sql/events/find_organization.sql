-- The organization whose events wait the longest for a reaction.
-- Returns its short name, or no row.
SELECT organization.slug
FROM events_to_react AS waiting
INNER JOIN organizations AS organization ON waiting.organization_id = organization.id
ORDER BY waiting.event_id
LIMIT 1;
