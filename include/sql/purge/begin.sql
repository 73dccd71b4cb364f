-- Begin to purge the cleared documents of the batch: from here on a hold comes too late. This is
-- committed before a byte is touched.
--   plan_id          bigint
--   organization_id  bigint
--   now              timestamptz
--   actor            text
-- Returns how many began now (those that a killed run had begun are not counted again).
WITH begun AS (
    UPDATE documents AS document
    SET status = 'purging', purging_at = %(now)s
    FROM pg_temp.verdicts AS verdict
    WHERE
        document.id = verdict.document_id
        AND verdict.verdict = 'go'
        AND document.status = 'deleted'
    RETURNING document.id, verdict.reason
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, rule, action, document_id, plan_id, reason
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        (
            SELECT entry.rule
            FROM audit_entries AS entry
            WHERE entry.document_id = begun.id AND entry.action = 'document.trashed'
            ORDER BY entry.id DESC
            LIMIT 1
        ) AS rule,
        'document.purging',
        begun.id,
        %(plan_id)s,
        begun.reason
    FROM begun
)

SELECT count(*)
FROM begun;
