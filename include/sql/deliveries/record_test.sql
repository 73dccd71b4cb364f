-- Note in the delivery log what became of a test.
--   number           bigint    below 0: no job has such a one
--   organization_id  bigint
--   kind             text      webhook, email or slack
--   endpoint_id      bigint    of a webhook, else NULL
--   outcome          text
--   status_code      smallint
--   latency_ms       integer
--   answer_head      text
--   error            text
--   at               timestamptz
INSERT INTO delivery_attempts (
    job_id, attempt, organization_id, kind, endpoint_id, outcome, status_code, latency_ms,
    answer_head, error, attempted_at
)
VALUES (
    %(number)s, 1, %(organization_id)s, %(kind)s, %(endpoint_id)s, %(outcome)s, %(status_code)s,
    %(latency_ms)s, %(answer_head)s, %(error)s, %(at)s
);
