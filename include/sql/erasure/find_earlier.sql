-- Whether a person asked before, whose request is not closed.
--   organization_id  bigint
--   person           text
-- Returns its id, or no row.
SELECT request.id
FROM erasure_requests AS request
CROSS JOIN deployment
WHERE
    request.organization_id = %(organization_id)s
    AND request.state = 'open'
    AND request.person_key
    = tombstone_key(deployment.tombstone_salt, lower(%(person)s::text))
ORDER BY request.id
LIMIT 1;
