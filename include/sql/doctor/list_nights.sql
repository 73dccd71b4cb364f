-- When each organization was last checked for expiry.
-- Returns organization, begun_at (since when a document of it is there, any one; NULL while it has none),
-- checked_at (NULL when never).
-- One look into an index for each organization: which document it finds does not matter.
SELECT
    organization.slug AS organization,
    (
        SELECT document.registered_at
        FROM documents AS document
        WHERE document.organization_id = organization.id
        ORDER BY document.external_id
        LIMIT 1
    ) AS begun_at,
    watermark.checked_at
FROM organizations AS organization
LEFT JOIN expiry_watermarks AS watermark ON organization.id = watermark.organization_id
ORDER BY organization.slug;
