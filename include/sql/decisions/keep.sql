-- Leave documents alone for a while, because somebody decided so, with an audit entry each:
-- neither archived nor deleted until then, nor destroyed where they are in the trash, nor their
-- original removed.
--   plan_id          bigint     NULL where no plan was decided about
--   document_ids     bigint[]
--   organization_id  bigint
--   until            date
--   now              timestamptz
--   actor, rule      text
--   reason           text
WITH kept AS (
    UPDATE documents AS document
    SET
        reprieve_until = greatest(document.reprieve_until, %(until)s::date),
        purge_after = CASE
            WHEN document.status = 'deleted'
                THEN greatest(document.purge_after, %(until)s::date + 1)
            ELSE document.purge_after
        END,
        original_until = CASE
            WHEN document.original_until IS NOT NULL
                THEN greatest(document.original_until, %(until)s::date + 1)
        END
    WHERE
        document.id = ANY(%(document_ids)s::bigint [])
        AND document.status IN ('active', 'archived', 'deleted')
    RETURNING document.id
)

INSERT INTO audit_entries (
    organization_id, at, actor, rule, action, document_id, plan_id, reason, details
)
SELECT
    %(organization_id)s,
    %(now)s,
    %(actor)s,
    %(rule)s,
    'document.reprieved',
    kept.id,
    %(plan_id)s::bigint,
    %(reason)s,
    jsonb_build_object('until', %(until)s::date)
FROM kept;
