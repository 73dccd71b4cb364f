-- When each rule in use was forecast, and how many documents it could not judge.
--   organization_id  bigint
--   rule             text    only this rule; NULL for all
-- Returns rule, version, mode, unknown_count and rebuilt_at (both NULL: never forecast).
SELECT
    rule.name AS rule,
    version.version,
    version.mode,
    forecast.unknown_count,
    forecast.rebuilt_at
FROM rules AS rule
INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
LEFT JOIN forecasts AS forecast ON version.id = forecast.rule_version_id
WHERE
    rule.organization_id = %(organization_id)s
    AND rule.removed_at IS NULL
    AND version.mode <> 'off'
    AND (%(rule)s::text IS NULL OR rule.name = %(rule)s)
ORDER BY rule.name;
