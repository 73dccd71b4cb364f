-- Two questions that pages, commands and the breaker ask alike: what is past due and why it is still
-- here, and what was destroyed of late. One answer each.

-- The next so many actions of one organization that are past due, the longest overdue first: actions
-- of rules by the forecast, purges by what was in the trash then. Reads no more than it returns,
-- however much is overdue. Some of it may be done since.
-- wanted_version: only this rule version's; NULL for all.
-- after_*: the last row of the page before; after_due_on NULL for the first page.
CREATE FUNCTION next_overdue(
    organization bigint,
    today date,
    wanted_version bigint,
    after_due_on date,
    after_document bigint,
    after_version bigint,
    after_action integer,
    most bigint
) RETURNS TABLE (
    document_id bigint,
    -- 0 for a purge.
    rule_version_id bigint,
    action_index smallint,
    action text,
    due_on date,
    size_bytes bigint
)
LANGUAGE sql STABLE
AS $$
    SELECT
        ahead.document_id,
        ahead.rule_version_id,
        ahead.action_index,
        ahead.action,
        ahead.due_on,
        ahead.size_bytes
    FROM (
        (
            SELECT
                disposition.document_id,
                disposition.rule_version_id,
                disposition.action_index,
                disposition.action,
                disposition.due_on,
                disposition.size_bytes
            FROM dispositions AS disposition
            WHERE
                disposition.organization_id = next_overdue.organization
                AND disposition.action IN ('ARCHIVE', 'DELETE')
                AND NOT disposition.is_outranked
                AND disposition.due_on <= next_overdue.today
                AND (
                    next_overdue.wanted_version IS NULL
                    OR disposition.rule_version_id = next_overdue.wanted_version
                )
                AND (
                    next_overdue.after_due_on IS NULL
                    OR (
                        disposition.due_on,
                        disposition.document_id,
                        disposition.rule_version_id,
                        disposition.action_index
                    ) > (
                        next_overdue.after_due_on,
                        next_overdue.after_document,
                        next_overdue.after_version,
                        next_overdue.after_action
                    )
                )
                -- Not as a join, which might sort first all that is overdue.
                AND array_position(
                    ARRAY(
                        SELECT rule.current_version_id
                        FROM rules AS rule
                        INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
                        WHERE
                            rule.organization_id = next_overdue.organization
                            AND rule.removed_at IS NULL
                            AND version.mode <> 'off'
                    ),
                    disposition.rule_version_id
                ) IS NOT NULL
            ORDER BY
                disposition.due_on,
                disposition.document_id,
                disposition.rule_version_id,
                disposition.action_index
            LIMIT next_overdue.most
        )
        UNION ALL
        (
            SELECT
                purge.document_id,
                0,
                0::smallint,
                'PURGE',
                purge.due_on,
                purge.size_bytes
            FROM foreseen_purges AS purge
            WHERE
                purge.organization_id = next_overdue.organization
                AND purge.due_on <= next_overdue.today
                AND next_overdue.wanted_version IS NULL
                AND (
                    next_overdue.after_due_on IS NULL
                    OR (purge.due_on, purge.document_id)
                    > (next_overdue.after_due_on, next_overdue.after_document)
                )
            ORDER BY purge.due_on, purge.document_id
            LIMIT next_overdue.most
        )
    ) AS ahead
    ORDER BY ahead.due_on, ahead.document_id, ahead.rule_version_id, ahead.action_index
    LIMIT next_overdue.most
$$;

-- The same, each with the reason it was not done.
-- code: what judging said when the rule was planned last (held, retained, reprieved, cooling_off,
-- reserved, archive_first, outranked, paced, no_bytes, ...), or
--   simulated        the rule only simulates
--   awaiting_review  its plan waits for a person; breaker: because it is too large
--   halted           everything is
--   waiting          its plan was not applied yet
--   failed           applying it failed; reason says how
--   not_judged       nothing has looked at it since it fell due or what kept it ended
--   NULL             it is done, or the document is no longer where it could be done
CREATE FUNCTION overdue_documents(
    organization bigint,
    today date,
    wanted_version bigint,
    after_due_on date,
    after_document bigint,
    after_version bigint,
    after_action integer,
    most bigint
) RETURNS TABLE (
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
        WHERE rule.organization_id = overdue_documents.organization
    ),

    found AS (
        SELECT
            ahead.document_id,
            ahead.rule_version_id,
            ahead.action_index,
            ahead.action,
            ahead.due_on,
            ahead.size_bytes,
            document.hold_count,
            document.reprieve_until,
            CASE ahead.action
                WHEN 'ARCHIVE' THEN document.status = 'active'
                WHEN 'DELETE' THEN document.status IN ('active', 'archived')
                ELSE document.status IN ('deleted', 'purging')
            END AS is_open,
            current_rule.mode,
            coalesce(current_rule.plan_id, purge.plan_id) AS plan_id,
            coalesce(current_rule.state, purge.plan_state) AS plan_state,
            coalesce(current_rule.approval_reason, purge.approval_reason) AS approval_reason,
            coalesce(current_rule.is_tripped, purge.is_tripped) AS is_tripped,
            coalesce(item.state, purge.state) AS item_state,
            coalesce(item.reason_code, purge.reason_code) AS reason_code,
            coalesce(item.reason, purge.reason) AS reason,
            item.blocking_rule_version_id
        FROM next_overdue(
            overdue_documents.organization,
            overdue_documents.today,
            overdue_documents.wanted_version,
            overdue_documents.after_due_on,
            overdue_documents.after_document,
            overdue_documents.after_version,
            overdue_documents.after_action,
            overdue_documents.most
        ) AS ahead
        INNER JOIN documents AS document ON ahead.document_id = document.id
        LEFT JOIN current_rule ON ahead.rule_version_id = current_rule.version_id
        LEFT JOIN plan_items AS item
            ON
                current_rule.plan_id = item.plan_id
                AND ahead.document_id = item.document_id
                AND ahead.action_index = item.action_index
        LEFT JOIN LATERAL (
            SELECT
                planned.plan_id,
                planned.state,
                planned.reason_code,
                planned.reason,
                plan.state AS plan_state,
                plan.approval_reason,
                plan.breaker <> '[]' AS is_tripped
            FROM plan_items AS planned
            INNER JOIN plans AS plan ON planned.plan_id = plan.id
            WHERE
                ahead.action = 'PURGE'
                AND planned.document_id = ahead.document_id
                AND planned.action = 'PURGE'
                AND plan.mode = 'enforce'
            ORDER BY planned.plan_id DESC
            LIMIT 1
        ) AS purge ON TRUE
    )

    SELECT
        found.document_id,
        nullif(found.rule_version_id, 0),
        found.action_index,
        found.action,
        found.due_on,
        found.size_bytes,
        judged.code,
        CASE judged.code
            WHEN 'held'
                THEN CASE found.hold_count
                    WHEN 1 THEN 'under 1 legal hold'
                    ELSE 'under ' || found.hold_count || ' legal holds'
                END
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
                WHEN NOT found.is_open THEN NULL
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

GRANT EXECUTE ON FUNCTION next_overdue(bigint, date, bigint, date, bigint, bigint, integer, bigint),
overdue_documents(bigint, date, bigint, date, bigint, bigint, integer, bigint),
destruction_in_window(timestamptz) TO doclife_worker, doclife_reader;
