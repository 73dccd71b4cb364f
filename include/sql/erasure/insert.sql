-- Note what a person asked for; one open request per person.
--   organization_id  bigint
--   person           text    as documents name them
--   fields           text[]  metadata keys whose value may name them, too
--   due_on           date
--   actor            text
--   now              timestamptz
-- Returns its id.
INSERT INTO erasure_requests (
    organization_id, person, fields, person_key, due_on, requested_by, requested_at
)
SELECT
    %(organization_id)s,
    %(person)s,
    %(fields)s::text [],
    tombstone_key(deployment.tombstone_salt, lower(%(person)s::text)),
    %(due_on)s,
    %(actor)s,
    %(now)s
FROM deployment
RETURNING id;
