-- Entries of an organization to which nothing is committed in its chain. Unpacks every commitment: asked for
-- only when the numbers of entries differ.
--   organization_id  bigint
WITH committed AS MATERIALIZED (
    SELECT leaf.entry_id
    FROM audit_batches AS batch
    INNER JOIN audit_commitments AS commitment ON batch.commitments_id = commitment.id
    CROSS JOIN LATERAL audit_leaves(commitment.leaves) AS leaf
    WHERE batch.organization_id = %(organization_id)s
)

SELECT
    entry.id,
    audit_payload(
        entry.organization_id, entry.at, entry.actor, entry.rule, entry.action, entry.document_id,
        entry.plan_id, entry.reason, entry.details
    ) AS payload,
    entry.erased_by
FROM audit_entries AS entry
LEFT JOIN committed ON entry.id = committed.entry_id
WHERE entry.organization_id = %(organization_id)s AND committed.entry_id IS NULL
ORDER BY entry.id;
