-- Finish the items of documents that were just changed, with event and audit entry each, and count
-- them on their shard: the same whatever was done to them.
--   plan_id, action_index, shard
--   organization_id  bigint
--   type             text       of the event and of the audit entry, as document.trashed
--   document_ids     bigint[]
--   rules            text[]     for each of them name@version of the rule that decided, or NULL
--   notes            text[]     for each of them what else its reason must say, or NULL
--   details          jsonb      for the audit entry, the same for all
--   now              timestamptz
--   today            date       the present day in the organization's zone
--   actor            text
-- Returns how many there were.
WITH done AS (
    UPDATE plan_items AS item
    SET
        state = 'done',
        finished_at = %(now)s,
        reason = item.reason || coalesce('; ' || changed.note, '')
    FROM unnest(%(document_ids)s::bigint [], %(rules)s::text [], %(notes)s::text [])
        AS changed (document_id, rule, note)
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.shard = %(shard)s
        AND item.document_id = changed.document_id
        AND item.state = 'planned'
    RETURNING item.document_id, item.size_bytes, item.reason, changed.rule
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        %(type)s,
        done.document_id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM done
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, rule, action, document_id, plan_id, reason, details
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        done.rule,
        %(type)s,
        done.document_id,
        %(plan_id)s,
        done.reason,
        %(details)s::jsonb
    FROM done
),

counted AS (
    SELECT
        count(*) AS done,
        coalesce(sum(size_bytes), 0) AS bytes
    FROM done
),

progressed AS (
    UPDATE plan_shards
    SET
        done_count = plan_shards.done_count + counted.done,
        done_bytes = plan_shards.done_bytes + counted.bytes,
        progressed_at = %(now)s
    FROM counted
    WHERE
        plan_shards.plan_id = %(plan_id)s
        AND plan_shards.action_index = %(action_index)s
        AND plan_shards.shard = %(shard)s
)

SELECT done
FROM counted;
