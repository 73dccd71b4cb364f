-- Store a plan, still without items, and return its id.
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
