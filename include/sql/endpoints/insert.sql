-- Add an endpoint. Calls that waited for one of its name find it (trigger).
--   organization_id  bigint
--   name             text     as rules and jobs name it
--   url              text     checked by the guard
--   connection_id    text     the Airflow Connection with its secret, or NULL: doclife_endpoint_<id>
--   headers          jsonb    sent with every call; no secrets
--   timeout_seconds  integer  for a whole call
--   max_concurrency  integer  calls at once
--   max_per_second   numeric  or NULL
--   created_by       text     actor
-- Returns endpoint_id; no row when the name is taken.
INSERT INTO webhook_endpoints (
    organization_id, name, url, connection_id, headers, timeout_seconds, max_concurrency,
    max_per_second, created_by
)
VALUES (
    %(organization_id)s, %(name)s, %(url)s, %(connection_id)s, %(headers)s, %(timeout_seconds)s,
    %(max_concurrency)s, %(max_per_second)s, %(created_by)s
)
ON CONFLICT ON CONSTRAINT an_endpoint_name_is_unique DO NOTHING
RETURNING id AS endpoint_id;
