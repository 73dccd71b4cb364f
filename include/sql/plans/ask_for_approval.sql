-- Let a plan wait for a person.
--   plan_id          bigint
--   reason           text
--   breaker          jsonb    the limits that tripped: scope, limit, allowed, wanted
--   required_stages  integer
UPDATE plans
SET
    state = 'needs_approval',
    approval_reason = %(reason)s,
    breaker = %(breaker)s,
    required_stages = %(required_stages)s
WHERE id = %(plan_id)s;
