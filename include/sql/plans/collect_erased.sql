-- Collect what an erasure has put into the trash, or began to destroy: its grace is over.
--   plan_id          bigint
--   erasure_plan_id  bigint
--   today            date    in the organization's zone
INSERT INTO pg_temp.hits (plan_id, document_id, action_index, action, due_on, reason)
SELECT
    %(plan_id)s,
    document.id,
    0,
    'PURGE',
    %(today)s,
    item.reason
FROM plan_items AS item
INNER JOIN documents AS document ON item.document_id = document.id
WHERE
    item.plan_id = %(erasure_plan_id)s
    AND (
        (
            item.action = 'DELETE'
            AND item.state = 'done'
            AND document.status = 'deleted'
            AND document.deleted_at = item.finished_at
            AND document.purge_after <= %(today)s
        )
        OR document.status = 'purging'
    );
