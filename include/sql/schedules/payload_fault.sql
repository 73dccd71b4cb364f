-- What is wrong with the payload of a kind of job, or NULL.
--   kind     text
--   payload  jsonb
SELECT payload_fault(%(kind)s, %(payload)s);
