-- The documents that some external ids name.
--   organization_id  bigint
--   external_ids     text[]
-- Returns external_id as it was given, document_id; ids that name nothing are left out, those that
-- destroyed documents had are not.
SELECT
    given.external_id,
    document.id AS document_id
FROM unnest(%(external_ids)s::text []) AS given (external_id)
INNER JOIN documents AS document
    ON
        document.organization_id = %(organization_id)s
        AND given.external_id = document.external_id
UNION ALL
SELECT
    given.external_id,
    tombstone.id AS document_id
FROM unnest(%(external_ids)s::text []) AS given (external_id)
INNER JOIN documents AS tombstone
    ON
        tombstone.organization_id IS NOT DISTINCT FROM %(organization_id)s
        AND starts_with(tombstone.external_id, 'purged:')
        AND tombstone_key(
            (SELECT deployment.tombstone_salt FROM deployment), given.external_id
        ) = tombstone.external_id;
