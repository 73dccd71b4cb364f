-- The plans that have destroyed more than their last manifest says. What was destroyed is counted only for
-- those that have none, whose shards have done more than it says, or that were undone while a batch of them
-- was at work: all others, in years of purges, are not read.
-- Returns plan_id, organization, organization_id and document_count.
SELECT
    plan.id AS plan_id,
    organization.slug AS organization,
    organization.id AS organization_id,
    destroyed.document_count
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
LEFT JOIN LATERAL (
    SELECT max(manifest.document_count) AS document_count
    FROM purge_manifests AS manifest
    WHERE manifest.plan_id = plan.id
) AS written ON TRUE
CROSS JOIN LATERAL (
    SELECT coalesce(sum(shard.done_count), 0) AS documents
    FROM plan_shards AS shard
    WHERE shard.plan_id = plan.id AND shard.action = 'PURGE'
) AS done
CROSS JOIN LATERAL (
    SELECT count(*) AS document_count
    FROM certificate_items AS item
    WHERE
        item.plan_id = plan.id
        AND (
            written.document_count IS NULL
            OR plan.state = 'undone'
            OR done.documents > written.document_count
        )
) AS destroyed
WHERE
    plan.kind IN ('purge', 'erasure')
    AND destroyed.document_count > coalesce(written.document_count, 0)
ORDER BY plan.id;
