-- The next collected warnings, as far as nothing has happened to their documents meanwhile; those
-- are judged anew the next day.
--   after  bigint   the last document of the batch before; 0 to begin
--   size   integer
-- Returns document_id, anchor_on, due_on, goes_on, window_days, to_fallback, was_kept, is_current, by
-- document.
SELECT
    warning.document_id,
    warning.anchor_on,
    warning.due_on,
    warning.goes_on,
    warning.window_days,
    warning.to_fallback,
    warning.was_kept,
    document.version = warning.document_version
    AND document.hold_count = 0
    AND document.status IN ('active', 'archived') AS is_current
FROM pg_temp.warnings AS warning
INNER JOIN documents AS document ON warning.document_id = document.id
WHERE warning.document_id > %(after)s
ORDER BY warning.document_id
LIMIT %(size)s;
