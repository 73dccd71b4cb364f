-- Note that a document was kept by the link of a warning.
--   rule_id, document_id  bigint
--   due_on                date         the day that the rule found it due
--   kept_until            date
--   recipient             text         whom the warning went to
--   now                   timestamptz
-- Returns document_id; no row when it was kept before.
INSERT INTO keepings (rule_id, document_id, due_on, kept_until, recipient, kept_at)
VALUES (
    %(rule_id)s, %(document_id)s, %(due_on)s, %(kept_until)s, %(recipient)s, %(now)s
)
ON CONFLICT (rule_id, document_id, due_on) DO NOTHING
RETURNING document_id;
