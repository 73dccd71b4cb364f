-- What some recipients want, as far as they said anything.
--   organization_id  bigint
--   recipients       text[]  addresses in small letters
-- Returns recipient, wants_digest (false also when mail to the address is suppressed), locale,
-- time_zone.
SELECT
    given.recipient,
    bool_and(
        coalesce(preference.wants_digest, TRUE) AND suppression.address IS NULL
    ) AS wants_digest,
    max(preference.locale) AS locale,
    max(preference.time_zone) AS time_zone
FROM unnest(%(recipients)s::text []) AS given (recipient)
LEFT JOIN recipient_preferences AS preference
    ON
        preference.organization_id = %(organization_id)s
        AND preference.channel = 'email'
        AND given.recipient = lower(preference.recipient)
LEFT JOIN email_suppressions AS suppression
    ON
        suppression.organization_id = %(organization_id)s
        AND given.recipient = lower(suppression.address)
GROUP BY given.recipient;
