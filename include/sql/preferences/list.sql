-- What a person wants, a row for each channel of which they said anything.
--   organization_id  bigint
--   recipient        text    in small letters where it is a mail address
-- Returns recipient, channel, address, wants_digest, quiet, time_zone, locale and quiet_types.
SELECT DISTINCT ON (channel)
    recipient,
    channel,
    address,
    wants_digest,
    quiet,
    time_zone,
    locale,
    quiet_types
FROM recipient_preferences
WHERE organization_id = %(organization_id)s AND lower(recipient) = lower(%(recipient)s)
ORDER BY channel ASC, updated_at DESC;
