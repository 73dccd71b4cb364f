-- What some recipients want of messages over one channel, as far as they said anything.
--   organization_id  bigint
--   channel          text
--   recipients       text[]  in small letters
-- Returns recipient, quiet and locale (or NULL).
SELECT DISTINCT ON (lower(recipient))
    lower(recipient) AS recipient,
    quiet,
    locale
FROM recipient_preferences
WHERE
    organization_id = %(organization_id)s
    AND channel = %(channel)s
    AND lower(recipient) = ANY(%(recipients)s::text [])
ORDER BY lower(recipient) ASC, updated_at DESC;
