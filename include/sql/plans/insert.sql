-- Store a plan, still without items, and return its id.
--   organization_id  bigint
--   kind             text         rule, selection, purge or originals
--   rule_version_id  bigint       NULL for a plan without a rule
--   dag_id, run_id   text         which run asks
--   selection_key    text         tells plans without a rule of one run apart, or NULL
--   options          jsonb        settings of a selection's action
--   requested_by     text         the actor
--   mode             text         simulate or enforce
--   as_of            timestamptz  the decision moment
--   now              timestamptz  the present: staleness counts from here
INSERT INTO plans (
    organization_id, kind, rule_version_id, dag_id, run_id, selection_key, options, requested_by,
    mode, as_of, created_at
)
VALUES (
    %(organization_id)s,
    %(kind)s,
    %(rule_version_id)s,
    %(dag_id)s,
    %(run_id)s,
    %(selection_key)s,
    %(options)s,
    %(requested_by)s,
    %(mode)s,
    %(as_of)s,
    %(now)s
)
RETURNING id;
