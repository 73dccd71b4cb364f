-- Record one change that is not about a document.
--   organization_id  bigint
--   at               timestamptz
--   actor            text         user:<name>, schedule, event or cli:<os user>
--   rule             text         name@version, or NULL
--   action           text         what was done, e.g. rule.changed
--   plan_id          bigint       or NULL
--   reason           text         why
--   details          jsonb
INSERT INTO audit_entries (organization_id, at, actor, rule, action, plan_id, reason, details)
VALUES (
    %(organization_id)s,
    %(at)s,
    %(actor)s,
    %(rule)s,
    %(action)s,
    %(plan_id)s,
    %(reason)s,
    %(details)s
);
