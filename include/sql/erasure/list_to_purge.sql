-- The applied erasures that have put documents into the trash which are still there, or whose destruction
-- began and did not end; and those, also undone, whose purge was begun and is not ended: killed after its last
-- document it has nothing left but to be called applied.
-- Returns plan_id and organization, the oldest plan first.
SELECT
    plan.id AS plan_id,
    organization.slug AS organization
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
WHERE
    plan.kind = 'erasure'
    AND (
        (
            plan.state = 'applied'
            AND EXISTS (
                SELECT
                FROM plan_items AS item
                INNER JOIN documents AS document ON item.document_id = document.id
                WHERE
                    item.plan_id = plan.id
                    AND (
                        (
                            item.action = 'DELETE'
                            AND item.state = 'done'
                            AND document.status = 'deleted'
                            AND document.deleted_at = item.finished_at
                        )
                        OR document.status = 'purging'
                    )
            )
        )
        OR EXISTS (
            SELECT
            FROM plans AS purge
            WHERE
                purge.organization_id = plan.organization_id
                AND purge.selection_key = 'purge of erasure ' || plan.id
                AND purge.mode = 'enforce'
                AND purge.document_count > 0
                AND purge.state = 'applying'
        )
    )
ORDER BY plan.id;
