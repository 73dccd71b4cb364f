-- Forget when the rules of an organization were forecast.
--   organization_id  bigint
DELETE FROM forecasts
WHERE organization_id = %(organization_id)s;
