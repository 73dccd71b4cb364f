-- What was done to an organization's documents in some days, by rule, action and outcome.
--   organization_id  bigint
--   since            timestamptz  the first moment
--   until            timestamptz  the first moment that is not in it
-- Returns rule (its name, or NULL for a selection by hand), action, state (done, failed, skipped or
-- undone), documents and size_bytes.
SELECT
    item.rule,
    item.action,
    item.state,
    count(*) AS documents,
    coalesce(sum(item.size_bytes), 0)::bigint AS size_bytes
FROM finished_items(%(organization_id)s, %(since)s, %(until)s) AS item
GROUP BY item.rule, item.action, item.state
ORDER BY item.rule NULLS LAST, item.action, item.state;
