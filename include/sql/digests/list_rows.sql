-- What some readers are shown.
--   recipients  text[]
-- Returns recipient, section, total, title, external_id, document_id, on_day, action, reason; in order.
SELECT
    recipient,
    section,
    total,
    title,
    external_id,
    document_id,
    on_day,
    action,
    reason
FROM pg_temp.digest_rows
WHERE recipient = ANY(%(recipients)s::text [])
ORDER BY recipient, section, place;
