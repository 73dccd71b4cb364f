-- A page of the rules in use: what each does, how it ran last, and what is due by the last forecast.
--   organization_id  bigint
--   search           text     part of the name, description, authority or condition; NULL for all
--   mode             text     only this mode; NULL for all
--   action           text     only rules with this action; NULL for all
--   trigger          text     only rules with this trigger; NULL for all
--   after            text     the last name of the page before; '' for the first page
--   today            date     in the organization's zone
--   size             integer
--   most             integer  counting what is due ends there
-- Returns rule_id, version_id, version, created_at, author, definition, plan_id, plan_state,
-- plan_mode, planned_at, approval_reason, is_tripped, failed_count (NULL: it never ran), due_count
-- (archives and deletions; NULL: it was never forecast) and unknown_count.
SELECT
    rule.id AS rule_id,
    version.id AS version_id,
    version.version,
    version.created_at,
    version.author,
    version.definition,
    last_plan.id AS plan_id,
    last_plan.state AS plan_state,
    last_plan.mode AS plan_mode,
    last_plan.created_at AS planned_at,
    last_plan.approval_reason,
    coalesce(last_plan.breaker <> '[]', FALSE) AS is_tripped,
    last_plan.failed_count,
    CASE
        WHEN forecast.rule_version_id IS NOT NULL THEN (
            SELECT count(*)
            FROM (
                SELECT
                FROM dispositions AS disposition
                WHERE
                    disposition.rule_version_id = version.id
                    -- By position, which the index holds. A message of the past was sent, or is
                    -- old news.
                    AND disposition.action_index = ANY(
                        ARRAY(
                            SELECT action.position - 1
                            FROM
                                jsonb_array_elements(version.definition -> 'actions')
                                WITH ORDINALITY AS action (settings, position)
                            WHERE action.settings ->> 'do' IN ('ARCHIVE', 'DELETE')
                        )
                    )
                    AND disposition.due_on <= %(today)s
                ORDER BY disposition.action_index
                LIMIT %(most)s
            ) AS counted
        )
    END AS due_count,
    forecast.unknown_count
FROM rules AS rule
INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
LEFT JOIN forecasts AS forecast ON version.id = forecast.rule_version_id
LEFT JOIN LATERAL (
    SELECT
        plan.id,
        plan.state,
        plan.mode,
        plan.created_at,
        plan.approval_reason,
        plan.breaker,
        (
            SELECT coalesce(sum(shard.failed_count), 0)::bigint
            FROM plan_shards AS shard
            WHERE shard.plan_id = plan.id
        ) AS failed_count
    FROM rule_versions AS any_version
    INNER JOIN plans AS plan ON any_version.id = plan.rule_version_id
    WHERE any_version.rule_id = rule.id
    ORDER BY plan.id DESC
    LIMIT 1
) AS last_plan ON TRUE
WHERE
    rule.organization_id = %(organization_id)s
    AND rule.removed_at IS NULL
    AND rule.name > %(after)s
    AND (%(mode)s::text IS NULL OR version.mode = %(mode)s)
    AND (
        %(action)s::text IS NULL
        OR version.definition -> 'actions'
        @> jsonb_build_array(jsonb_build_object('do', %(action)s::text))
    )
    AND (%(trigger)s::text IS NULL OR version.definition #>> '{trigger,type}' = %(trigger)s)
    AND (
        %(search)s::text IS NULL
        OR strpos(
            lower(
                concat_ws(
                    ' ',
                    rule.name,
                    version.definition ->> 'description',
                    version.definition ->> 'authority',
                    version.definition ->> 'when'
                )
            ),
            lower(%(search)s)
        ) > 0
    )
ORDER BY rule.name
LIMIT %(size)s;
