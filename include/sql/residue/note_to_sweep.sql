-- Let messages and reports that name the batch's documents be swept.
--   now  timestamptz
INSERT INTO purged_documents_to_sweep (document_id, organization_id, purged_at)
SELECT
    document_id,
    organization_id,
    %(now)s
FROM pg_temp.residue
ON CONFLICT (document_id) DO NOTHING;
