-- Change settings of an organization; NULL leaves one as it is.
--   organization_id        bigint
--   name                   text
--   time_zone              text
--   locale                 text
--   cooling_off_days       integer
--   reprieve_days          integer
--   max_documents_per_day  integer
--   max_fraction_per_day   numeric
--   fallback_recipient     text
--   logo_url               text     empty for none
UPDATE organizations
SET
    name = coalesce(%(name)s, name),
    time_zone = coalesce(%(time_zone)s, time_zone),
    locale = coalesce(%(locale)s, locale),
    cooling_off_days = coalesce(%(cooling_off_days)s, cooling_off_days),
    reprieve_days = coalesce(%(reprieve_days)s, reprieve_days),
    max_documents_per_day = coalesce(%(max_documents_per_day)s, max_documents_per_day),
    max_fraction_per_day = coalesce(%(max_fraction_per_day)s, max_fraction_per_day),
    fallback_recipient = coalesce(%(fallback_recipient)s, fallback_recipient),
    logo_url = nullif(coalesce(%(logo_url)s::text, logo_url), '')
WHERE id = %(organization_id)s;
