-- One bag, locked against others who would rewrite it.
--   bag_id  bigint
SELECT
    bag.id AS bag_id,
    bag.uri,
    bag.state,
    bag.info,
    bag.plan_id,
    bag.created_at,
    organization.slug AS organization,
    organization.time_zone,
    rule.name || '@' || version.version AS rule
FROM archive_bags AS bag
INNER JOIN organizations AS organization ON bag.organization_id = organization.id
LEFT JOIN plans AS plan ON bag.plan_id = plan.id
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE bag.id = %(bag_id)s
FOR UPDATE OF bag;
