-- The current version of every rule of an organization that was not removed.
--   organization_id  bigint
--   with_off         boolean  also those whose mode is off
-- Returns rule_id, version_id, version, created_at, author, definition; in order of name.
SELECT
    rule.id AS rule_id,
    version.id AS version_id,
    version.version,
    version.created_at,
    version.author,
    version.definition::text AS definition
FROM rules AS rule
INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
WHERE
    rule.organization_id = %(organization_id)s
    AND rule.removed_at IS NULL
    AND (%(with_off)s OR version.mode <> 'off')
ORDER BY rule.name;
