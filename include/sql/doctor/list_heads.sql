-- How far the audit chain of each organization was signed.
-- Returns organization, unsigned_since (when the oldest batch was sealed that no head covers), signed_at (of
-- the newest head), has_left (that one is in the archive store).
SELECT
    organization.slug AS organization,
    (
        SELECT batch.created_at
        FROM audit_batches AS batch
        WHERE
            batch.organization_id = organization.id
            AND batch.sequence > coalesce(head.sequence, 0)
        ORDER BY batch.sequence
        LIMIT 1
    ) AS unsigned_since,
    head.signed_at,
    coalesce(head.file_uri IS NOT NULL, FALSE) AS has_left
FROM organizations AS organization
LEFT JOIN LATERAL (
    SELECT
        signed.sequence,
        signed.signed_at,
        signed.file_uri
    FROM audit_heads AS signed
    WHERE signed.organization_id = organization.id
    ORDER BY signed.sequence DESC, signed.signed_at DESC
    LIMIT 1
) AS head ON TRUE
ORDER BY organization.slug;
