-- Store what was judged as the items of new plans: winners planned, losers skipped with the reason.
--   now  timestamptz  the present
INSERT INTO plan_items (
    plan_id, document_id, action_index, action, rule_version_id, anchor_on, retain_until, due_on,
    shard, status_before, document_version, size_bytes, is_reserving, state, reason_code, reason,
    blocking_rule_version_id, finished_at
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
    shard,
    status_before,
    document_version,
    size_bytes,
    is_reserving,
    CASE WHEN reason_code IS NULL THEN 'planned' ELSE 'skipped' END,
    reason_code,
    reason,
    blocking_rule_version_id,
    CASE WHEN reason_code IS NOT NULL THEN %(now)s::timestamptz END
FROM pg_temp.judgements;
