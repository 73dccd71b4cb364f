-- Collect the trash that is past its grace period, and what a killed purge left half done.
--   plan_id          bigint
--   organization_id  bigint
--   today            date    in the organization's zone
INSERT INTO pg_temp.hits (plan_id, document_id, action_index, action, due_on, reason)
SELECT
    %(plan_id)s,
    document.id,
    0,
    'PURGE',
    document.purge_after,
    'in the trash since ' || document.deleted_at::date || ', grace ended ' || document.purge_after
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND (
        (document.status = 'deleted' AND document.purge_after <= %(today)s)
        OR document.status = 'purging'
    );
