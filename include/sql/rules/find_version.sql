-- One version of a rule, with its organization.
--   version_id  bigint
SELECT
    rule.id AS rule_id,
    version.id AS version_id,
    version.version,
    version.created_at,
    version.author,
    version.definition::text AS definition,
    organization.slug
FROM rule_versions AS version
INNER JOIN rules AS rule ON version.rule_id = rule.id
INNER JOIN organizations AS organization ON rule.organization_id = organization.id
WHERE version.id = %(version_id)s;
