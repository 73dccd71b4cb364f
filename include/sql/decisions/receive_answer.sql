-- Keep what a person answered, or that the time ran out, until it is decided upon.
--   plan_id         bigint
--   stage, attempt  integer
--   run_id          text         the run that was answered
--   answer          text         approve, reject, extend or hold
--   form            jsonb        what the form held
--   answered_by     text         the actor; NULL when the time ran out
--   answered_at     timestamptz
UPDATE plan_reviews
SET
    answer = %(answer)s,
    form = %(form)s,
    answered_by = %(answered_by)s,
    answered_at = %(answered_at)s
WHERE
    plan_id = %(plan_id)s
    AND stage = %(stage)s
    AND attempt = %(attempt)s
    AND run_id = %(run_id)s
    AND ended_at IS NULL;
