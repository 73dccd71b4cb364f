-- Every organization with the settings that decisions need, by id.
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
ORDER BY id;
