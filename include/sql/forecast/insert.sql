-- Write down when one rule's actions fall due, for every document it applies to.
--   organization_id  bigint
--   rule_version_id  bigint
--   now              timestamptz
--   {hits}                        the compiled rule up to any known due date
INSERT INTO dispositions (
    document_id, rule_version_id, action_index, action, organization_id, anchor_on, retain_until,
    due_on, rebuilt_at
)
SELECT
    hit.document_id,
    %(rule_version_id)s,
    hit.action_index,
    hit.action,
    %(organization_id)s,
    hit.anchor_on,
    hit.retain_until,
    hit.due_on,
    %(now)s
FROM ({hits}) AS hit
WHERE hit.matched;
