-- The time zones in which an organization's readers say they are; some may be none.
--   organization_id  bigint
-- Returns time_zone text.
SELECT DISTINCT time_zone
FROM recipient_preferences
WHERE organization_id = %(organization_id)s AND wants_digest AND time_zone IS NOT NULL
ORDER BY time_zone;
