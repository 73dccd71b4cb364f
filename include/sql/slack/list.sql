-- Slack channels by name, of one organization or all.
--   organization_id  bigint  or NULL for all
-- Returns organization text, name text, connection_id text, channel text, document_types text[],
-- rule_names text[], is_active boolean.
SELECT
    organization.slug AS organization,
    entry.name,
    entry.connection_id,
    entry.channel,
    entry.document_types,
    entry.rule_names,
    entry.is_active
FROM slack_channels AS entry
INNER JOIN organizations AS organization ON entry.organization_id = organization.id
WHERE
    %(organization_id)s::bigint IS NULL
    OR entry.organization_id = %(organization_id)s
ORDER BY organization.slug, entry.name;
