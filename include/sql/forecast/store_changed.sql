-- Write down what is foreseen for an organization and stored otherwise, or not at all.
--   organization_id  bigint
--   now              timestamptz
INSERT INTO dispositions (
    document_id, rule_version_id, action_index, action, organization_id, anchor_on, retain_until,
    due_on, goes_on, protecting_rule_version_id, is_outranked, is_held, size_bytes, rebuilt_at
)
SELECT
    foreseen.document_id,
    foreseen.rule_version_id,
    foreseen.action_index,
    foreseen.action,
    %(organization_id)s,
    foreseen.anchor_on,
    foreseen.retain_until,
    foreseen.due_on,
    foreseen.goes_on,
    foreseen.protecting_rule_version_id,
    foreseen.is_outranked,
    foreseen.is_held,
    foreseen.size_bytes,
    %(now)s
FROM pg_temp.foreseen AS foreseen
LEFT JOIN dispositions AS known
    ON
        foreseen.document_id = known.document_id
        AND foreseen.rule_version_id = known.rule_version_id
        AND foreseen.action_index = known.action_index
WHERE
    known.document_id IS NULL
    OR (
        known.anchor_on, known.retain_until, known.due_on, known.goes_on,
        known.protecting_rule_version_id, known.is_outranked, known.is_held, known.size_bytes
    ) IS DISTINCT FROM (
        foreseen.anchor_on, foreseen.retain_until, foreseen.due_on, foreseen.goes_on,
        foreseen.protecting_rule_version_id, foreseen.is_outranked, foreseen.is_held,
        foreseen.size_bytes
    )
ON CONFLICT (document_id, rule_version_id, action_index) DO UPDATE
SET
    anchor_on = excluded.anchor_on,
    retain_until = excluded.retain_until,
    due_on = excluded.due_on,
    goes_on = excluded.goes_on,
    protecting_rule_version_id = excluded.protecting_rule_version_id,
    is_outranked = excluded.is_outranked,
    is_held = excluded.is_held,
    size_bytes = excluded.size_bytes,
    rebuilt_at = excluded.rebuilt_at;
