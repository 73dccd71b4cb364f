-- Let one rebuild at a time compare and write the forecast of an organization.
--   organization_id  bigint
SELECT pg_advisory_xact_lock(hashtextextended('doclife forecast', %(organization_id)s));
