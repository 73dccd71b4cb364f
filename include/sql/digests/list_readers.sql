-- Which of some recipients want a digest in one zone, and over which channels. Who said nothing gets
-- it by mail, in the zone of the organization; so does who named a zone that is none.
--   organization_id  bigint
--   recipients       text[]  addresses in small letters
--   zones            text[]  those that are time zones
--   home_zone        text    the organization's
--   time_zone        text    the one whose morning it is
-- Returns recipient, channel, address (where in a Slack workspace, else NULL), locale (or NULL); a row
-- for each digest to be sent. Suppressed addresses get no mail.
SELECT DISTINCT ON (given.recipient, way.channel)
    given.recipient,
    way.channel,
    preference.address,
    preference.locale
FROM unnest(%(recipients)s::text []) AS given (recipient)
CROSS JOIN (VALUES ('email'), ('slack'), ('notification')) AS way (channel)
LEFT JOIN recipient_preferences AS preference
    ON
        preference.organization_id = %(organization_id)s
        AND way.channel = preference.channel
        AND given.recipient = lower(preference.recipient)
LEFT JOIN email_suppressions AS suppression
    ON
        suppression.organization_id = %(organization_id)s
        AND way.channel = 'email'
        AND given.recipient = lower(suppression.address)
WHERE
    coalesce(preference.wants_digest, way.channel = 'email')
    AND suppression.address IS NULL
    AND (way.channel <> 'slack' OR preference.address IS NOT NULL)
    AND CASE
        WHEN preference.time_zone = ANY(%(zones)s::text []) THEN preference.time_zone
        ELSE %(home_zone)s
    END = %(time_zone)s
ORDER BY given.recipient ASC, way.channel ASC, preference.updated_at DESC;
