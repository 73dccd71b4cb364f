-- Write down what became of one rule's warnings once that is certain: 72 hours after they were
-- accepted. Attempts are forgotten sooner than warnings are asked for.
--   rule_id  bigint
--   now      timestamptz
WITH accepted AS MATERIALIZED (
    SELECT
        notice.id,
        notice.organization_id,
        notice.recipient,
        min(attempt.attempted_at) AS sent_at
    FROM notices AS notice
    INNER JOIN delivery_attempts AS attempt ON notice.job_id = attempt.job_id
    WHERE
        notice.rule_id = %(rule_id)s
        AND notice.window_days IS NOT NULL
        AND notice.sent_at IS NULL
        AND attempt.outcome = 'sent'
    GROUP BY notice.id
    HAVING min(attempt.attempted_at) <= %(now)s::timestamptz - interval '72 hours'
),

settled AS (
    SELECT
        accepted.id,
        accepted.sent_at,
        min(suppression.created_at) AS bounced_at
    FROM accepted
    LEFT JOIN email_suppressions AS suppression
        ON
            accepted.organization_id = suppression.organization_id
            AND accepted.recipient = lower(suppression.address)
            AND suppression.reason <> 'unsubscribed'
            AND suppression.created_at <= accepted.sent_at + interval '72 hours'
    GROUP BY accepted.id, accepted.sent_at
)

UPDATE notices
SET sent_at = settled.sent_at, bounced_at = settled.bounced_at
FROM settled
WHERE notices.id = settled.id;
