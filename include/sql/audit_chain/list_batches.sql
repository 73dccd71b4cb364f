-- The links of an organization's chain, from the first to the last.
--   organization_id  bigint
-- Each row is a link with its commitments: leaves and either the secret or the salts of its entries
-- (029_audit_chain.sql).
SELECT
    batch.sequence,
    batch.entry_count,
    batch.root,
    batch.previous_hash,
    batch.hash,
    audit_moment(batch.created_at) AS sealed_at,
    coalesce(commitment.leaves, '') AS leaves,
    commitment.secret,
    commitment.salts
FROM audit_batches AS batch
LEFT JOIN audit_commitments AS commitment ON batch.commitments_id = commitment.id
WHERE batch.organization_id = %(organization_id)s
ORDER BY batch.sequence, batch.id;
