-- Organizations as people see them, with every setting, by short name.
--   organization_id  bigint  only this one; NULL for all
-- Returns slug, name, the settings, and document_count bigint: documents that are not purged.
SELECT
    organization.slug,
    organization.name,
    organization.time_zone,
    organization.locale,
    organization.cooling_off_days,
    organization.reprieve_days,
    organization.max_documents_per_day,
    organization.max_fraction_per_day,
    organization.fallback_recipient,
    organization.logo_url,
    (
        SELECT count(*) FROM documents AS document
        WHERE document.organization_id = organization.id AND document.status <> 'purged'
    ) AS document_count
FROM organizations AS organization
WHERE %(organization_id)s::bigint IS NULL OR organization.id = %(organization_id)s
ORDER BY organization.slug;
