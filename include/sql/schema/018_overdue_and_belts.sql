-- Two questions that pages, commands and the breaker ask alike: what is past due and why it is still
-- here, and what was destroyed of late. One answer each.

-- Everything of one organization that is past due: actions of rules by the forecast, purges by the
-- catalogue, each with the reason it was not done.
-- code: what judging said when the rule was planned last (held, retained, reprieved, cooling_off,
-- reserved, archive_first, outranked, paced, no_bytes, ...), or
--   simulated        the rule only simulates
--   awaiting_review  its plan waits for a person; breaker: because it is too large
--   halted           everything is
--   waiting          its plan was not applied yet
--   failed           applying it failed; reason says how
--   not_judged       nothing has looked at it since it fell due or what kept it ended
CREATE FUNCTION overdue_documents(organization bigint, today date) RETURNS TABLE (
    document_id bigint,
    rule_version_id bigint,
    action_index smallint,
    action text,
    due_on date,
    size_bytes bigint,
    code text,
    reason text,
    plan_id bigint,
    blocking_rule_version_id bigint
)
LANGUAGE sql STABLE
AS $$
    WITH halt AS MATERIALIZED (
        SELECT halt_reason() AS reason
    ),

    current_rule AS MATERIALIZED (
        SELECT
            version.id AS version_id,
            version.mode,
            plan.id AS plan_id,
            plan.state,
            plan.approval_reason,
            plan.breaker <> '[]' AS is_tripped
        FROM rules AS rule
        INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
        LEFT JOIN LATERAL (
            SELECT
                made.id,
                made.state,
                made.approval_reason,
                made.breaker
            FROM plans AS made
            WHERE
                made.rule_version_id = version.id
                AND made.mode = version.mode
                -- A simulation of the future says nothing about today.
                AND (made.mode = 'enforce' OR made.as_of <= made.created_at + INTERVAL '1 minute')
            ORDER BY made.id DESC
            LIMIT 1
        ) AS plan ON TRUE
        WHERE
            rule.organization_id = overdue_documents.organization
            AND rule.removed_at IS NULL
            AND version.mode <> 'off'
    ),

    found AS (
        SELECT
            disposition.document_id,
            disposition.rule_version_id,
            disposition.action_index,
            disposition.action,
            disposition.due_on,
            disposition.size_bytes,
            document.hold_count,
            document.reprieve_until,
            current_rule.mode,
            current_rule.plan_id,
            current_rule.state AS plan_state,
            current_rule.approval_reason,
            current_rule.is_tripped,
            item.state AS item_state,
            item.reason_code,
            item.reason,
            item.blocking_rule_version_id
        FROM current_rule
        INNER JOIN dispositions AS disposition
            ON current_rule.version_id = disposition.rule_version_id
        INNER JOIN documents AS document ON disposition.document_id = document.id
        LEFT JOIN plan_items AS item
            ON
                current_rule.plan_id = item.plan_id
                AND disposition.document_id = item.document_id
                AND disposition.action_index = item.action_index
        WHERE
            disposition.action IN ('ARCHIVE', 'DELETE')
            AND disposition.due_on <= overdue_documents.today
            AND NOT disposition.is_outranked
            AND document.status IN ('active', 'archived')
            AND (document.status = 'active' OR disposition.action = 'DELETE')
        UNION ALL
        SELECT
            document.id,
            NULL,
            0,
            'PURGE',
            document.purge_after,
            coalesce(document.size_bytes, 0),
            document.hold_count,
            NULL,
            'enforce',
            item.plan_id,
            item.plan_state,
            item.approval_reason,
            item.is_tripped,
            item.state,
            item.reason_code,
            item.reason,
            item.blocking_rule_version_id
        FROM documents AS document
        LEFT JOIN LATERAL (
            SELECT
                planned.plan_id,
                planned.state,
                planned.reason_code,
                planned.reason,
                planned.blocking_rule_version_id,
                plan.state AS plan_state,
                plan.approval_reason,
                plan.breaker <> '[]' AS is_tripped
            FROM plan_items AS planned
            INNER JOIN plans AS plan ON planned.plan_id = plan.id
            WHERE
                planned.document_id = document.id
                AND planned.action = 'PURGE'
                AND plan.mode = 'enforce'
            ORDER BY planned.plan_id DESC
            LIMIT 1
        ) AS item ON TRUE
        WHERE
            document.organization_id = overdue_documents.organization
            AND (
                (document.status = 'deleted' AND document.purge_after <= overdue_documents.today)
                OR document.status = 'purging'
            )
    )

    SELECT
        found.document_id,
        found.rule_version_id,
        found.action_index,
        found.action,
        found.due_on,
        found.size_bytes,
        judged.code,
        CASE judged.code
            WHEN 'held' THEN 'under ' || found.hold_count || ' legal hold(s)'
            WHEN 'simulated' THEN 'its rule only simulates'
            WHEN 'awaiting_review' THEN found.approval_reason
            WHEN 'breaker' THEN found.approval_reason
            WHEN 'halted' THEN halt.reason
            WHEN 'waiting' THEN 'its plan was made and is not applied yet'
            WHEN 'not_judged' THEN 'the next run looks at it'
            ELSE found.reason
        END,
        found.plan_id,
        CASE WHEN judged.code = found.reason_code THEN found.blocking_rule_version_id END
    FROM found
    CROSS JOIN halt
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN found.hold_count > 0 THEN 'held'
                WHEN found.item_state = 'failed' THEN 'failed'
                -- What kept it has ended since, or the plan was closed before it came to it.
                WHEN found.reason_code = 'held' OR found.plan_state IN ('superseded', 'lapsed')
                    THEN 'not_judged'
                WHEN found.item_state = 'skipped' THEN found.reason_code
                WHEN found.mode = 'simulate' AND found.item_state = 'planned' THEN 'simulated'
                WHEN found.item_state = 'planned' AND found.plan_state = 'needs_approval'
                    THEN CASE WHEN found.is_tripped THEN 'breaker' ELSE 'awaiting_review' END
                WHEN found.item_state = 'planned' AND halt.reason IS NOT NULL THEN 'halted'
                WHEN found.item_state = 'planned' THEN 'waiting'
                WHEN found.reprieve_until >= overdue_documents.today THEN 'reprieved'
                ELSE 'not_judged'
            END AS code
    ) AS judged
$$;

-- What plans have destroyed in the 24 hours before a moment or may still destroy: per plan, so that a
-- plan can leave itself out. Purges are told apart, because what they destroy was counted once when
-- it went into the trash.
CREATE FUNCTION destruction_in_window(until timestamptz) RETURNS TABLE (
    plan_id bigint,
    organization_id bigint,
    rule_id bigint,
    is_purge boolean,
    done bigint,
    reserved bigint,
    -- When the first of what was done falls out of the window; NULL when nothing was done.
    frees_at timestamptz
)
LANGUAGE sql STABLE
AS $$
    SELECT
        plan.id,
        plan.organization_id,
        version.rule_id,
        shard.action IN ('PURGE', 'REMOVE_ORIGINAL'),
        sum(recent.done)::bigint,
        sum(recent.reserved)::bigint,
        min(shard.progressed_at) FILTER (WHERE recent.done > 0) + INTERVAL '24 hours'
    FROM plan_shards AS shard
    INNER JOIN plans AS plan ON shard.plan_id = plan.id
    LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN shard.progressed_at > destruction_in_window.until - INTERVAL '24 hours'
                    THEN shard.done_count
                ELSE 0
            END AS done,
            CASE
                WHEN plan.state IN ('planned', 'approved', 'applying')
                    THEN
                        shard.item_count - shard.done_count - shard.skipped_count
                        - shard.failed_count
                ELSE 0
            END AS reserved
    ) AS recent
    WHERE
        plan.mode = 'enforce'
        AND plan.state IN ('planned', 'approved', 'applying', 'applied', 'undone')
        AND (
            plan.state IN ('planned', 'approved', 'applying')
            OR shard.progressed_at > destruction_in_window.until - INTERVAL '24 hours'
        )
        AND shard.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
    GROUP BY plan.id, version.rule_id, shard.action IN ('PURGE', 'REMOVE_ORIGINAL')
$$;

GRANT EXECUTE ON FUNCTION overdue_documents(bigint, date), destruction_in_window(timestamptz)
TO doclife_worker, doclife_reader;
