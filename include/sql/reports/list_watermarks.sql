-- Through which day each organization's documents were checked for expiry, and how many wait to be
-- looked at again because something about them changed since.
--   organization  text  NULL for all
SELECT
    organization.slug AS organization,
    watermark.checked_through,
    watermark.checked_at,
    (
        SELECT count(*) FROM documents_to_check AS changed
        WHERE changed.organization_id = organization.id
    ) AS to_check_again
FROM organizations AS organization
LEFT JOIN expiry_watermarks AS watermark ON organization.id = watermark.organization_id
WHERE %(organization)s::text IS NULL OR organization.slug = %(organization)s
ORDER BY organization.slug;
