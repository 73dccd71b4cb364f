-- The plans that purge of which nothing is left to do, which destroyed something and have no certificate yet.
-- An erasure that was undone has destroyed what it purged all the same.
-- Returns plan_id bigint, oldest first.
SELECT plan.id AS plan_id
FROM plans AS plan
WHERE
    plan.state IN ('applied', 'undone')
    AND EXISTS (SELECT FROM certificate_items AS item WHERE item.plan_id = plan.id)
    AND NOT EXISTS (SELECT FROM certificates AS issued WHERE issued.plan_id = plan.id)
ORDER BY plan.id;
