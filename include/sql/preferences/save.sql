-- Keep what a person wants over one channel. What is NULL stays as it is; an empty text takes a zone,
-- a language or an address back.
--   organization_id  bigint
--   recipient        text
--   channel          text
--   address          text
--   wants_digest     boolean
--   quiet            text
--   time_zone        text
--   locale           text
--   quiet_types      text[]
INSERT INTO recipient_preferences AS known (
    organization_id, recipient, channel, address, wants_digest, quiet, time_zone, locale, quiet_types
)
VALUES (
    %(organization_id)s,
    %(recipient)s,
    %(channel)s,
    nullif(%(address)s::text, ''),
    coalesce(%(wants_digest)s::boolean, TRUE),
    coalesce(%(quiet)s::text, 'off'),
    nullif(%(time_zone)s::text, ''),
    nullif(%(locale)s::text, ''),
    coalesce(%(quiet_types)s::text [], ARRAY[]::text [])
)
ON CONFLICT (organization_id, recipient, channel) DO UPDATE
SET
    address = nullif(coalesce(%(address)s::text, known.address), ''),
    wants_digest = coalesce(%(wants_digest)s::boolean, known.wants_digest),
    quiet = coalesce(%(quiet)s::text, known.quiet),
    time_zone = nullif(coalesce(%(time_zone)s::text, known.time_zone), ''),
    locale = nullif(coalesce(%(locale)s::text, known.locale), ''),
    quiet_types = coalesce(%(quiet_types)s::text [], known.quiet_types);
