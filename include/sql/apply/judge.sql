-- Judge a locked batch against the present: has anything happened since the plan was stored that
-- speaks against it? 'go' where nothing has.
--   plan_id, action_index, shard
--   document_ids  bigint[]  the locked batch
--   today         date      the present day in the organization's zone
--   present       timestamptz  the moment
--   warn_before   interval[]   the rule deletes nothing without a delivered warning; NULL: it does
--   gone_ids      bigint[]  those whose original is not there any more: there is nothing to protect
INSERT INTO pg_temp.verdicts (document_id, verdict, reason)
SELECT
    judged.document_id,
    coalesce(judged.obstacle, 'go'),
    CASE judged.obstacle
        WHEN 'changed' THEN 'changed since the plan was made'
        WHEN 'held'
            THEN 'under ' || judged.hold_count
                || CASE judged.hold_count WHEN 1 THEN ' legal hold' ELSE ' legal holds' END
        WHEN 'rejected' THEN 'rejected in review'
        WHEN 'held_in_review' THEN 'put on hold in review'
        WHEN 'extended' THEN 'kept longer by a reviewer'
        WHEN 'retained' THEN CASE
            WHEN judged.retain_until = 'infinity'
                THEN 'retained for good or until an event that has not come'
            ELSE 'retained until ' || judged.retain_until
        END
        WHEN 'reprieved' THEN 'reprieved until ' || judged.reprieve_until
        WHEN 'not_warned' THEN judged.missing_warning
        WHEN 'row_unread' THEN 'its row in the application''s table could not be read as it is now'
        WHEN 'not_due' THEN 'its grace period has not ended'
        ELSE judged.reason
    END
FROM (
    SELECT
        item.document_id,
        item.reason,
        document.hold_count,
        document.reprieve_until,
        protection.retain_until,
        warning.missing AS missing_warning,
        CASE
            -- Destruction that began is brought to its end; a hold cannot be set on it any more.
            WHEN item.action = 'PURGE' AND document.status = 'purging' THEN NULL
            -- A message about a document is due even if another rule trashed it in the same run.
            WHEN item.action IN ('NOTIFY', 'WEBHOOK') AND document.status NOT IN ('purging', 'purged')
                THEN NULL
            WHEN document.status <> item.status_before THEN 'changed'
            WHEN document.hold_count > 0 THEN 'held'
            -- A killed removal took it, or somebody else did: the catalogue must not say otherwise.
            WHEN
                item.action = 'REMOVE_ORIGINAL' AND item.document_id = ANY(%(gone_ids)s::bigint [])
                THEN NULL
            WHEN document.version <> item.document_version THEN 'changed'
            WHEN decision.decision = 'reject' THEN 'rejected'
            WHEN decision.decision = 'hold' THEN 'held_in_review'
            WHEN decision.decision = 'extend' AND decision.extend_until >= %(today)s THEN 'extended'
            WHEN item.action IN ('DELETE', 'PURGE') AND protection.retain_until >= %(today)s
                THEN 'retained'
            WHEN item.action IN ('ARCHIVE', 'DELETE') AND document.reprieve_until >= %(today)s
                THEN 'reprieved'
            WHEN warning.missing IS NOT NULL THEN 'not_warned'
            WHEN
                item.action IN ('DELETE', 'PURGE')
                AND document.attached_table_id IS NOT NULL
                AND is_row_unread(document.attached_table_id, document.external_id)
                THEN 'row_unread'
            -- An erasure has no grace, and was approved instead.
            WHEN
                item.action = 'PURGE'
                AND document.purge_after > %(today)s
                AND plan.kind <> 'erasure'
                THEN 'not_due'
            WHEN
                item.action = 'REMOVE_ORIGINAL'
                AND (document.original_until IS NULL OR document.original_until > %(today)s)
                THEN 'not_due'
        END AS obstacle
    FROM plan_items AS item
    INNER JOIN plans AS plan ON item.plan_id = plan.id
    INNER JOIN documents AS document ON item.document_id = document.id
    LEFT JOIN pg_temp.protections AS protection ON item.document_id = protection.document_id
    LEFT JOIN LATERAL (
        SELECT
            latest.decision,
            latest.extend_until
        FROM plan_decisions AS latest
        WHERE
            latest.plan_id = item.plan_id
            AND latest.document_id = item.document_id
            AND latest.is_valid
            AND latest.decision <> 'approve'
        ORDER BY latest.id DESC
        LIMIT 1
    ) AS decision ON TRUE
    LEFT JOIN rule_versions AS version ON item.rule_version_id = version.id
    LEFT JOIN LATERAL (
        SELECT told.missing
        FROM missing_warning(
            -- Without a rule nothing is looked up: for all others this costs nothing.
            CASE
                WHEN item.action = 'DELETE' AND %(warn_before)s::interval [] IS NOT NULL
                    THEN version.rule_id
            END,
            item.document_id,
            greatest(item.due_on, protection.retain_until + 1, document.reprieve_until + 1),
            %(warn_before)s::interval [],
            %(today)s,
            %(present)s
        ) AS told
        WHERE item.action = 'DELETE' AND %(warn_before)s::interval [] IS NOT NULL
    ) AS warning ON TRUE
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.shard = %(shard)s
        AND item.state = 'planned'
        AND item.document_id = ANY(%(document_ids)s::bigint [])
) AS judged;
