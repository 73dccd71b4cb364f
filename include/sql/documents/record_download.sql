-- Record that somebody took the bytes of a document away to look at.
--   organization_id  bigint
--   document_id      bigint
--   at               timestamptz
--   actor            text  user:<name>
INSERT INTO audit_entries (organization_id, document_id, at, actor, action, reason)
VALUES (
    %(organization_id)s,
    %(document_id)s,
    %(at)s,
    %(actor)s,
    'document.downloaded',
    'by request'
);
