-- What some recipients want of mail, as far as they said anything.
--   organization_id  bigint
--   recipients       text[]  in small letters
-- Returns recipient, is_quiet (notices shall wait for the digest, which they get) and locale (or NULL).
SELECT DISTINCT ON (lower(recipient))
    lower(recipient) AS recipient,
    locale,
    wants_digest AND quiet = 'daily' AS is_quiet
FROM recipient_preferences
WHERE
    organization_id = %(organization_id)s
    AND channel = 'email'
    AND lower(recipient) = ANY(%(recipients)s::text [])
ORDER BY lower(recipient) ASC, updated_at DESC;
