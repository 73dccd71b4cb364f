-- Forget what is stored of an organization and foreseen no more. Everything else stays as it is: a
-- night writes what has changed, not the whole forecast.
--   organization_id  bigint
DELETE FROM dispositions AS known
WHERE
    known.organization_id = %(organization_id)s
    AND NOT EXISTS (
        SELECT
        FROM pg_temp.foreseen AS foreseen
        WHERE
            foreseen.document_id = known.document_id
            AND foreseen.rule_version_id = known.rule_version_id
            AND foreseen.action_index = known.action_index
    );
