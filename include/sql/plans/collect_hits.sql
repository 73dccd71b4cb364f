-- Collect what one rule wants done.
--   plan_id          bigint
--   rule_version_id  bigint
--   skip_actions     int[]   actions that fire elsewhere (a NOTIFY that warns beforehand)
--   {hits}                   compiled rule: document_id, action_index, action, matched, anchor_on,
--                            retain_until, due_on
INSERT INTO pg_temp.hits (
    plan_id, rule_version_id, document_id, action_index, action, anchor_on, retain_until, due_on,
    reason
)
SELECT
    %(plan_id)s,
    %(rule_version_id)s,
    hit.document_id,
    hit.action_index,
    hit.action,
    hit.anchor_on,
    hit.retain_until,
    hit.due_on,
    CASE
        WHEN hit.anchor_on IS NULL THEN 'meets the conditions of the rule'
        ELSE 'due since ' || hit.due_on || ', counted from ' || hit.anchor_on
    END
FROM ({hits}) AS hit
WHERE hit.matched AND hit.action_index <> ALL(%(skip_actions)s::int []);
