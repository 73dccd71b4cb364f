-- When each organization was last checked for expiry.
-- Returns organization, begun_at (since when there is anything to check; NULL while it has no documents),
-- checked_at (NULL when never).
SELECT
    organization.slug AS organization,
    (
        SELECT document.registered_at
        FROM documents AS document
        WHERE document.organization_id = organization.id
        ORDER BY document.id
        LIMIT 1
    ) AS begun_at,
    watermark.checked_at
FROM organizations AS organization
LEFT JOIN expiry_watermarks AS watermark ON organization.id = watermark.organization_id
ORDER BY organization.slug;
