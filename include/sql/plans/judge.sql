-- Judge everything collected for tonight against holds, retention, reprieve, cooling-off, open plans
-- and each other, cut what may go into shards, and write down winners and losers with the reason
-- (legal hold > longest retention > delete date > archive before delete). The one judging:
-- a plan stores what it says, an explanation shows it.
--   context           jsonb        one object per plan and action: plan_id, action_index, rule_id,
--                                  rule, priority, asks_review, is_enforced, fields and events
--                                  (text[]: what the action's condition and anchor use), shard_documents, shard_bytes,
--                                  per_night (NULL: as many as there are), warn_before (interval[]:
--                                  no DELETE without a delivered warning; NULL: with or without)
--   today             date         the decision date in the organization's zone
--   present           timestamptz  the same, or the later decision moment of a simulation
--   cooling_off_days  integer      no DELETE this soon after registration or a change
--   max_shards        integer      per action
WITH context AS MATERIALIZED (
    SELECT given.*
    FROM jsonb_to_recordset(%(context)s) AS given (
        plan_id bigint, action_index smallint, rule_id bigint, rule text, priority integer,
        asks_review boolean, is_enforced boolean, fields text [], events text [], shard_documents bigint, shard_bytes bigint,
        per_night integer, warn_before interval []
    )
),

judged AS (
    SELECT
        hit.plan_id,
        hit.rule_version_id,
        hit.document_id,
        hit.action_index,
        hit.action,
        hit.anchor_on,
        hit.retain_until,
        hit.due_on,
        hit.reason,
        context.rule,
        context.priority,
        context.asks_review,
        context.is_enforced,
        context.shard_documents,
        context.shard_bytes,
        context.per_night,
        document.status,
        document.version,
        document.hold_count,
        document.reprieve_until,
        coalesce(document.size_bytes, 0) AS size_bytes,
        protection.rule_version_id AS protecting_rule_version_id,
        protection.retain_until AS protected_until,
        warning.missing AS missing_warning,
        hit.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL') AS is_destructive,
        CASE
            WHEN hit.action IN ('NOTIFY', 'WEBHOOK') THEN NULL
            -- Destruction that has begun is brought to its end, but by one plan at a time.
            WHEN document.status = 'purging' THEN CASE
                WHEN context.is_enforced AND claim.is_open THEN 'reserved'
            END
            WHEN document.hold_count > 0 THEN 'held'
            WHEN hit.action IN ('DELETE', 'PURGE') AND protection.retain_until >= %(today)s
                THEN 'retained'
            -- Like holds and cooling-off by the present, also when an earlier day is decided for.
            WHEN
                hit.action IN ('ARCHIVE', 'DELETE')
                AND document.reprieve_until
                >= (%(present)s::timestamptz AT TIME ZONE organization.time_zone)::date
                THEN 'reprieved'
            WHEN
                hit.action = 'DELETE'
                AND (
                    document.registered_at > %(present)s - make_interval(days => %(cooling_off_days)s)
                    OR EXISTS (
                        SELECT
                        FROM jsonb_each_text(document.field_changed_at) AS change
                        WHERE
                            change.key = ANY(context.fields)
                            AND change.value::timestamptz
                            > %(present)s - make_interval(days => %(cooling_off_days)s)
                    )
                    OR EXISTS (
                        SELECT
                        FROM events AS clock
                        WHERE
                            clock.document_id = hit.document_id
                            AND clock.type = ANY(context.events)
                            AND clock.is_external
                            AND clock.may_start_clocks
                            AND greatest(clock.recorded_at, clock.withdrawn_at)
                            > %(present)s - make_interval(days => %(cooling_off_days)s)
                    )
                )
                THEN 'cooling_off'
            WHEN warning.missing IS NOT NULL THEN 'not_warned'
            WHEN
                hit.action IN ('DELETE', 'PURGE')
                AND document.status <> 'purging'
                AND document.attached_table_id IS NOT NULL
                AND is_row_unread(document.attached_table_id, document.external_id)
                THEN 'row_unread'
            -- Else a rule that archives first would keep it from ever being deleted.
            WHEN hit.action = 'ARCHIVE' AND document.stored_object_id IS NULL THEN 'no_bytes'
            -- An application keeps bytes of it somewhere that nobody has read: saying that it is
            -- destroyed would be untrue.
            WHEN
                hit.action = 'PURGE'
                AND document.stored_object_id IS NULL
                AND document.archived_object_id IS NULL
                AND EXISTS (
                    SELECT FROM attached_tables AS attached
                    WHERE document.attached_table_id = attached.id AND attached.mapping ? 'bytes'
                )
                THEN 'no_bytes'
            WHEN context.is_enforced AND claim.is_open THEN 'reserved'
        END AS obstacle
    FROM pg_temp.hits AS hit
    INNER JOIN context
        ON hit.plan_id = context.plan_id AND hit.action_index = context.action_index
    INNER JOIN documents AS document ON hit.document_id = document.id
    INNER JOIN organizations AS organization ON document.organization_id = organization.id
    LEFT JOIN pg_temp.protections AS protection ON hit.document_id = protection.document_id
    LEFT JOIN LATERAL (
        SELECT TRUE AS is_open
        FROM plan_items AS other
        WHERE
            other.document_id = hit.document_id
            AND other.state = 'planned'
            AND other.is_reserving
    ) AS claim ON TRUE
    LEFT JOIN LATERAL (
        SELECT told.missing
        FROM missing_warning(
            -- Without a rule nothing is looked up: for all others this costs nothing.
            CASE
                WHEN hit.action = 'DELETE' AND context.warn_before IS NOT NULL THEN context.rule_id
            END,
            hit.document_id,
            -- The day that warnings are about: retention and a reprieve that ended moved it.
            greatest(hit.due_on, protection.retain_until + 1, document.reprieve_until + 1),
            context.warn_before,
            %(today)s,
            %(present)s
        ) AS told
        WHERE hit.action = 'DELETE' AND context.warn_before IS NOT NULL
    ) AS warning ON TRUE
    -- A message about a due date goes out once; one without a due date goes out once for all. What was
    -- already past when a first import brought it in is old news to everybody.
    WHERE
        hit.action NOT IN ('NOTIFY', 'WEBHOOK')
        OR context.rule_id IS NULL
        OR (
            NOT (document.is_baseline AND hit.due_on <= document.registered_at::date)
            AND NOT EXISTS (
                SELECT
                FROM notices AS notice
                WHERE
                    notice.rule_id = context.rule_id
                    AND notice.action_index = hit.action_index
                    AND notice.document_id = hit.document_id
                    AND notice.window_days IS NULL
                    AND notice.due_on IS NOT DISTINCT FROM CASE
                        WHEN hit.anchor_on IS NOT NULL THEN hit.due_on
                    END
            )
        )
),

ranked AS (
    SELECT
        judged.*,
        row_number() OVER contenders AS place,
        first_value(judged.rule_version_id) OVER contenders AS winner,
        first_value(judged.rule) OVER contenders AS winning_rule,
        bool_or(judged.action = 'ARCHIVE' AND judged.obstacle IS NULL) OVER (
            PARTITION BY judged.document_id, judged.is_enforced
        ) AS is_archived_tonight
    FROM judged
    WINDOW contenders AS (
        PARTITION BY
            judged.document_id, judged.is_enforced, judged.action, judged.obstacle IS NULL
        -- What somebody must look at is not decided by a rule that nobody looks at.
        ORDER BY
            judged.asks_review DESC,
            judged.priority ASC,
            judged.due_on ASC,
            judged.rule ASC,
            judged.plan_id ASC
    )
),

decided AS (
    SELECT
        ranked.*,
        CASE
            WHEN ranked.obstacle IS NOT NULL THEN ranked.obstacle
            WHEN ranked.action = 'DELETE' AND ranked.is_archived_tonight THEN 'archive_first'
            WHEN ranked.is_destructive AND ranked.place > 1 THEN 'outranked'
        END AS reason_code
    FROM ranked
),

-- A backlog may be let go in a paced way: the longest overdue first, the rest on later nights.
paced AS (
    SELECT
        chosen.plan_id,
        chosen.document_id,
        chosen.action_index,
        row_number() OVER (
            PARTITION BY chosen.plan_id ORDER BY chosen.due_on, chosen.document_id
        ) > chosen.per_night AS is_for_later
    FROM decided AS chosen
    WHERE chosen.reason_code IS NULL AND chosen.is_destructive AND chosen.per_night IS NOT NULL
),

final AS (
    SELECT
        decided.plan_id,
        decided.rule_version_id,
        decided.document_id,
        decided.action_index,
        decided.action,
        decided.anchor_on,
        decided.retain_until,
        decided.due_on,
        decided.reason,
        decided.is_enforced,
        decided.shard_documents,
        decided.shard_bytes,
        decided.per_night,
        decided.status,
        decided.version,
        decided.hold_count,
        decided.reprieve_until,
        decided.size_bytes,
        decided.protecting_rule_version_id,
        decided.protected_until,
        decided.is_destructive,
        decided.missing_warning,
        decided.winner,
        decided.winning_rule,
        CASE WHEN paced.is_for_later THEN 'paced' ELSE decided.reason_code END AS reason_code
    FROM decided
    LEFT JOIN paced
        ON
            decided.plan_id = paced.plan_id
            AND decided.document_id = paced.document_id
            AND decided.action_index = paced.action_index
),

cut AS (
    SELECT
        final.*,
        row_number() OVER in_order - 1 AS documents_before,
        sum(final.size_bytes) OVER in_order - final.size_bytes AS bytes_before,
        count(*) OVER whole AS documents,
        sum(final.size_bytes) OVER whole AS bytes
    FROM final
    WINDOW
        whole AS (
            PARTITION BY final.plan_id, final.action_index, final.reason_code IS NULL
        ),
        -- Documents that go into one bag lie side by side.
        in_order AS (
            PARTITION BY final.plan_id, final.action_index, final.reason_code IS NULL
            ORDER BY date_trunc('year', final.retain_until), final.document_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
)

INSERT INTO pg_temp.judgements (
    plan_id, document_id, action_index, action, rule_version_id, anchor_on, retain_until, due_on,
    shard, status_before, document_version, size_bytes, is_reserving, reason_code, reason,
    blocking_rule_version_id
)
SELECT
    plan_id,
    document_id,
    action_index,
    action,
    rule_version_id,
    anchor_on,
    retain_until,
    due_on,
    CASE
        WHEN reason_code IS NULL
            THEN floor(greatest(
                documents_before
                / greatest(shard_documents, ceil(documents::numeric / %(max_shards)s)),
                bytes_before / greatest(shard_bytes, ceil(bytes / (%(max_shards)s * 0.8)))
            ))::integer
        ELSE 0
    END,
    status,
    version,
    size_bytes,
    is_destructive AND is_enforced AND reason_code IS NULL,
    reason_code,
    CASE reason_code
        WHEN 'held'
            THEN 'under ' || hold_count
                || CASE hold_count WHEN 1 THEN ' legal hold' ELSE ' legal holds' END
        WHEN 'retained' THEN CASE
            WHEN protected_until = 'infinity' THEN 'retained for good or until an event that has not come'
            ELSE 'retained until ' || protected_until
        END
        WHEN 'reprieved' THEN 'reprieved until ' || reprieve_until
        WHEN 'cooling_off' THEN
            'registered, or a field that the rule uses changed, less than '
            || %(cooling_off_days)s || ' days ago'
        WHEN 'not_warned' THEN missing_warning
        WHEN 'row_unread' THEN 'its row in the application''s table could not be read as it is now'
        WHEN 'no_bytes' THEN CASE action
            WHEN 'PURGE' THEN 'the bytes that its application keeps were never read'
            ELSE 'the catalogue knows no bytes of it to archive'
        END
        WHEN 'reserved' THEN 'another open plan already has this document'
        WHEN 'archive_first' THEN 'is archived in this run; deletion follows in a later one'
        WHEN 'paced' THEN 'a later night: the rule lets go at most ' || per_night || ' per night'
        WHEN 'outranked' THEN 'rule ' || coalesce(winning_rule, '?') || ' does it'
        ELSE reason
    END,
    CASE reason_code
        WHEN 'retained' THEN protecting_rule_version_id WHEN 'outranked' THEN winner
    END
FROM cut;
