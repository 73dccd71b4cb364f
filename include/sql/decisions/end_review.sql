-- Note what came of a question.
--   plan_id         bigint
--   stage, attempt  integer
--   outcome         text
--   now             timestamptz
UPDATE plan_reviews
SET outcome = %(outcome)s, ended_at = %(now)s
WHERE
    plan_id = %(plan_id)s AND stage = %(stage)s AND attempt = %(attempt)s AND ended_at IS NULL;
