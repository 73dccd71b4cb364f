-- What waits for bytes from cold stores, as far as it was asked for by one person for one reason.
--   size  integer   documents per group at most
-- Returns organization, plan_id, requested_by, reason, document_ids.
SELECT
    organization.slug AS organization,
    request.plan_id,
    request.requested_by,
    request.reason,
    (array_agg(request.document_id ORDER BY request.document_id))[1:%(size)s] AS document_ids
FROM restore_requests AS request
INNER JOIN organizations AS organization ON request.organization_id = organization.id
GROUP BY organization.slug, request.plan_id, request.requested_by, request.reason
ORDER BY min(request.requested_at);
