-- Every version of one rule, newest first.
--   organization_id  bigint
--   name             text
SELECT
    version.id AS version_id,
    version.version,
    version.mode,
    version.author,
    version.commit_id,
    version.created_at,
    version.definition,
    rule.removed_at
FROM rules AS rule
INNER JOIN rule_versions AS version ON rule.id = version.rule_id
WHERE rule.organization_id = %(organization_id)s AND rule.name = %(name)s
ORDER BY version.version DESC;
