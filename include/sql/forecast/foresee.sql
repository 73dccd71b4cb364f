-- Foresee when one rule's actions fall due, for every document it applies to.
--   rule_version_id  bigint
--   {hits}                        the compiled rule up to any known due date
INSERT INTO pg_temp.foreseen (
    document_id, rule_version_id, action_index, action, anchor_on, retain_until, due_on, goes_on,
    is_held, size_bytes
)
SELECT
    hit.document_id,
    %(rule_version_id)s,
    hit.action_index,
    hit.action,
    hit.anchor_on,
    hit.retain_until,
    hit.due_on,
    CASE
        WHEN hit.action IN ('ARCHIVE', 'DELETE')
            THEN greatest(hit.due_on, document.reprieve_until + 1)
        ELSE hit.due_on
    END,
    document.hold_count > 0,
    coalesce(document.size_bytes, 0)
FROM ({hits}) AS hit
INNER JOIN documents AS document ON hit.document_id = document.id
WHERE hit.matched;
