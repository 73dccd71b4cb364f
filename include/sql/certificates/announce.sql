-- Tell that a certificate was issued.
--   organization_id  bigint
--   plan_id          bigint
--   payload          jsonb
--   occurred_on      date         the day in the organization's zone
--   now              timestamptz
--   actor            text
INSERT INTO events (
    organization_id, type, subject, payload, occurred_on, recorded_at, actor, plan_id
)
VALUES (
    %(organization_id)s,
    'certificate.issued',
    'plan-' || %(plan_id)s::bigint,
    %(payload)s,
    %(occurred_on)s,
    %(now)s,
    %(actor)s,
    %(plan_id)s
);
