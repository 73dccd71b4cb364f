-- Open erasure requests, those that must be answered soonest first.
--   organization_id  bigint
--   due_by           date     only those that are due by this day; NULL for all
--   after_due_on     date     deadline of the last request of the page before; NULL to begin
--   after_id         bigint   its id; NULL to begin
--   size             integer
-- Returns the same columns as erasure/list.
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
    AND request.state = 'open'
    AND (%(due_by)s::date IS NULL OR request.due_on <= %(due_by)s)
    AND (
        %(after_id)s::bigint IS NULL
        OR (request.due_on, request.id) > (%(after_due_on)s::date, %(after_id)s)
    )
ORDER BY request.due_on, request.id
LIMIT %(size)s;
