-- Which of some mails go to addresses that get none. Who signed off from summaries still gets
-- warnings: that is looked at where summaries are made.
--   organizations  text[]  short names, one per mail
--   addresses      text[]  in lower case, one per mail
-- Returns organization text, address text, reason text.
SELECT DISTINCT
    organization.slug AS organization,
    suppression.address,
    suppression.reason
FROM unnest(%(organizations)s::text [], %(addresses)s::text []) AS mail (organization, address)
INNER JOIN organizations AS organization ON mail.organization = organization.slug
INNER JOIN email_suppressions AS suppression
    ON
        organization.id = suppression.organization_id
        AND mail.address = lower(suppression.address)
WHERE suppression.reason <> 'unsubscribed';
