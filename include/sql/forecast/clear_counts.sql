-- Forget what the forecast of an organization came to.
--   organization_id  bigint
DELETE FROM forecast_counts
WHERE organization_id = %(organization_id)s;
