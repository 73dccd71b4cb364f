-- Add the next version of a rule and return its id and number.
--   rule_id     bigint
--   mode        text
--   definition  jsonb        the rule as validated
--   source      text         the rule as its author wrote it
--   author      text
--   commit_id   text         the commit it came from, or NULL
--   now         timestamptz
INSERT INTO rule_versions (
    rule_id, version, mode, definition, source, author, commit_id, created_at
)
SELECT
    %(rule_id)s,
    coalesce(max(version), 0) + 1,
    %(mode)s,
    %(definition)s,
    %(source)s,
    %(author)s,
    %(commit_id)s,
    %(now)s
FROM rule_versions
WHERE rule_id = %(rule_id)s
RETURNING id, version;
