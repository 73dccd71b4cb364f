-- The items of one batch that tell somebody something: what the message is about.
--   plan_id, action_index
--   document_ids  bigint[]
-- Returns document_id, rule_id (NULL without a rule), anchor_on, due_on (NULL without an anchor:
-- such a message is sent once, not once per due date).
SELECT
    item.document_id,
    version.rule_id,
    item.anchor_on,
    CASE WHEN item.anchor_on IS NOT NULL THEN item.due_on END AS due_on
FROM plan_items AS item
LEFT JOIN rule_versions AS version ON item.rule_version_id = version.id
WHERE
    item.plan_id = %(plan_id)s
    AND item.action_index = %(action_index)s
    AND item.document_id = ANY(%(document_ids)s::bigint [])
ORDER BY item.document_id;
