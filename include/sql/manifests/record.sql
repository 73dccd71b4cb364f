-- Note a manifest that lies in the archive store; one that is known stays as it is.
--   uri              text
--   organization_id  bigint
--   plan_id          bigint  NULL for one of another state of this database
--   document_count   bigint
--   sha256           bytea
--   now              timestamptz
INSERT INTO purge_manifests (
    uri, organization_id, plan_id, document_count, sha256, recorded_at
)
VALUES (
    %(uri)s, %(organization_id)s, %(plan_id)s, %(document_count)s, %(sha256)s, %(now)s
)
ON CONFLICT (uri) DO NOTHING;
