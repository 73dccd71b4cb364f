-- One bag, locked against others who would rewrite it.
--   bag_id  bigint
SELECT
    bag.id AS bag_id,
    bag.uri,
    bag.state,
    bag.info,
    bag.created_at,
    organization.slug AS organization,
    organization.time_zone
FROM archive_bags AS bag
INNER JOIN organizations AS organization ON bag.organization_id = organization.id
WHERE bag.id = %(bag_id)s
FOR UPDATE OF bag;
