-- What was done to documents, in one place for all that counts or lists it.

-- The items of an organization's plans that ended from one moment until before another, each with the
-- rule that it goes back to: a purge has none of its own, it ends what the rule began that trashed the
-- document. NULL for a selection by hand.
CREATE FUNCTION finished_items(organization bigint, since timestamptz, until timestamptz)
RETURNS TABLE (
    plan_id bigint,
    document_id bigint,
    action_index smallint,
    action text,
    state text,
    reason text,
    size_bytes bigint,
    finished_at timestamptz,
    rule text
)
LANGUAGE sql STABLE
AS $$
    SELECT
        item.plan_id,
        item.document_id,
        item.action_index,
        item.action,
        item.state,
        item.reason,
        item.size_bytes,
        item.finished_at,
        rule.name
    FROM plans AS plan
    INNER JOIN plan_items AS item ON plan.id = item.plan_id
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
        plan.organization_id = finished_items.organization
        AND plan.state IN ('applying', 'applied', 'undone')
        AND plan.created_at < finished_items.until
        AND (plan.applied_at IS NULL OR plan.applied_at >= finished_items.since)
        AND item.finished_at >= finished_items.since
        AND item.finished_at < finished_items.until
$$;

GRANT EXECUTE ON FUNCTION finished_items(bigint, timestamptz, timestamptz)
TO doclife_worker, doclife_reader;
