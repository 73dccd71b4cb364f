-- Collect archived documents whose original has been kept long enough beside the copy.
--   plan_id          bigint
--   organization_id  bigint
--   today            date    in the organization's zone
INSERT INTO pg_temp.hits (plan_id, document_id, action_index, action, due_on, reason)
SELECT
    %(plan_id)s,
    document.id,
    0,
    'REMOVE_ORIGINAL',
    document.original_until,
    'archived ' || document.archived_at::date || ', original kept until ' || document.original_until
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND document.status = 'archived'
    AND document.archived_object_id IS NOT NULL
    AND document.stored_object_id IS NOT NULL
    AND document.original_until <= %(today)s;
