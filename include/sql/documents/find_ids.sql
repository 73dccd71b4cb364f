-- The documents that some external ids name.
--   organization_id  bigint
--   external_ids     text[]
-- Returns external_id as it was given, document_id; ids that name nothing are left out, those that
-- destroyed documents had are not.
SELECT
    given.external_id,
    document.id AS document_id
FROM unnest(%(external_ids)s::text []) AS given (external_id)
CROSS JOIN deployment
INNER JOIN documents AS document
    ON
        document.organization_id = %(organization_id)s
        AND document.external_id IN (
            given.external_id, tombstone_key(deployment.tombstone_salt, given.external_id)
        );
