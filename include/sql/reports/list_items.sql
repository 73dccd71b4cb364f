-- The documents that were destroyed in some days, and those at which something failed.
--   organization_id  bigint
--   since            timestamptz  the first moment
--   until            timestamptz  the first moment that is not in it
--   size             integer      so many of each
-- Returns section (purged or failed), total (all of the section), rule, action, external_id, title (of a
-- purged document there is none any more), finished_at, size_bytes and reason (of a failure).
SELECT
    ranked.section,
    ranked.total,
    ranked.rule,
    ranked.action,
    ranked.external_id,
    ranked.title,
    ranked.finished_at,
    ranked.size_bytes,
    ranked.reason
FROM (
    SELECT
        rule.name AS rule,
        item.action,
        document.external_id,
        document.title,
        item.finished_at,
        item.size_bytes,
        CASE item.state WHEN 'failed' THEN 'failed' ELSE 'purged' END AS section,
        CASE WHEN item.state = 'failed' THEN item.reason END AS reason,
        count(*) OVER (PARTITION BY item.state) AS total,
        row_number() OVER (
            PARTITION BY item.state
            ORDER BY item.finished_at, item.plan_id, document.id, item.action_index
        ) AS place
    FROM plans AS plan
    INNER JOIN plan_items AS item ON plan.id = item.plan_id
    INNER JOIN documents AS document ON item.document_id = document.id
    -- A purge has no rule of its own: it ends what the rule began that trashed the document.
    LEFT JOIN LATERAL (
        SELECT trashed.rule_version_id
        FROM plan_items AS trashed
        WHERE
            trashed.document_id = item.document_id
            AND trashed.action = 'DELETE'
            AND trashed.state = 'done'
            AND item.action = 'PURGE'
        ORDER BY trashed.finished_at DESC
        LIMIT 1
    ) AS begun ON TRUE
    LEFT JOIN rule_versions AS version
        ON version.id = coalesce(item.rule_version_id, begun.rule_version_id)
    LEFT JOIN rules AS rule ON version.rule_id = rule.id
    WHERE
        plan.organization_id = %(organization_id)s
        AND plan.state IN ('applying', 'applied', 'undone')
        AND plan.created_at < %(until)s
        AND (plan.applied_at IS NULL OR plan.applied_at >= %(since)s)
        AND item.finished_at >= %(since)s
        AND item.finished_at < %(until)s
        AND (item.state = 'failed' OR (item.state = 'done' AND item.action = 'PURGE'))
) AS ranked
WHERE ranked.place <= %(size)s
ORDER BY ranked.section, ranked.place;
