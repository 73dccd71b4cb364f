-- Erasure requests, the newest first, with how far their plans are.
--   organization_id  bigint
--   request_id       bigint   only this one; NULL for all
--   is_open          boolean  only those that are open (or closed); NULL for all
--   before           bigint   the last id of the page before; NULL to begin
--   size             integer
-- Returns request_id, person (NULL once it is closed), fields, due_on, state, plan_id, plan_state,
-- purge_plan_id, requested_by, requested_at, closed_at, closed_by, erased_count and kept_count.
SELECT
    request.id AS request_id,
    request.person,
    request.fields,
    request.due_on,
    request.state,
    request.plan_id,
    plan.state AS plan_state,
    request.purge_plan_id,
    request.requested_by,
    request.requested_at,
    request.closed_at,
    request.closed_by,
    request.erased_count,
    request.kept_count
FROM erasure_requests AS request
LEFT JOIN plans AS plan ON request.plan_id = plan.id
WHERE
    request.organization_id = %(organization_id)s
    AND (%(request_id)s::bigint IS NULL OR request.id = %(request_id)s)
    AND (%(is_open)s::boolean IS NULL OR (request.state = 'open') = %(is_open)s)
    AND (%(before)s::bigint IS NULL OR request.id < %(before)s)
ORDER BY request.id DESC
LIMIT %(size)s;
