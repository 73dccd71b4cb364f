-- The applied erasures that have put documents into the trash which are still there, or whose destruction
-- began and did not end.
-- Returns plan_id and organization, the oldest plan first.
SELECT
    plan.id AS plan_id,
    organization.slug AS organization
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
WHERE
    plan.kind = 'erasure'
    AND plan.state = 'applied'
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
ORDER BY plan.id;
