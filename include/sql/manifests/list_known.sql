-- The manifests that this database knows.
--   uris  text[]
-- Returns uri.
SELECT uri
FROM purge_manifests
WHERE uri = ANY(%(uris)s::text []);
