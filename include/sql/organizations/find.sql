-- One organization and the settings that decisions need.
--   slug  text  its short name
-- Returns at most one row.
SELECT
    id,
    slug,
    name,
    time_zone,
    locale,
    cooling_off_days,
    reprieve_days,
    max_documents_per_day,
    max_fraction_per_day,
    fallback_recipient,
    logo_url
FROM organizations
WHERE slug = %(slug)s;
