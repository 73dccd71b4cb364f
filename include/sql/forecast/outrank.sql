-- Mark what another rule in the same mode does to a document before, or on the same day with
-- precedence as in plans/judge: it is not to be counted twice.
--   organization_id  bigint
UPDATE dispositions
SET is_outranked = TRUE
FROM (
    SELECT
        disposition.document_id,
        disposition.rule_version_id,
        disposition.action_index,
        row_number() OVER (
            PARTITION BY disposition.document_id, disposition.action, version.mode
            ORDER BY
                disposition.goes_on ASC,
                (version.definition -> 'review') IS NOT NULL DESC,
                (version.definition ->> 'priority')::integer ASC,
                disposition.due_on ASC,
                version.definition ->> 'name' ASC
        ) AS place
    FROM dispositions AS disposition
    INNER JOIN rule_versions AS version ON disposition.rule_version_id = version.id
    WHERE
        disposition.organization_id = %(organization_id)s
        AND disposition.action IN ('ARCHIVE', 'DELETE')
) AS ranked
WHERE
    ranked.place > 1
    AND dispositions.document_id = ranked.document_id
    AND dispositions.rule_version_id = ranked.rule_version_id
    AND dispositions.action_index = ranked.action_index;
