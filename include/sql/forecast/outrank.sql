-- Mark what another rule in the same mode does to a document before, or on the same day with
-- precedence as in plans/judge: it is not to be counted twice.
UPDATE pg_temp.foreseen AS foreseen
SET is_outranked = TRUE
FROM (
    SELECT
        one.document_id,
        one.rule_version_id,
        one.action_index,
        row_number() OVER (
            PARTITION BY one.document_id, one.action, version.mode
            ORDER BY
                one.goes_on ASC,
                (version.definition -> 'review') IS NOT NULL DESC,
                (version.definition ->> 'priority')::integer ASC,
                one.due_on ASC,
                version.definition ->> 'name' ASC
        ) AS place
    FROM pg_temp.foreseen AS one
    INNER JOIN rule_versions AS version ON one.rule_version_id = version.id
    WHERE one.action IN ('ARCHIVE', 'DELETE')
) AS ranked
WHERE
    ranked.place > 1
    AND foreseen.document_id = ranked.document_id
    AND foreseen.rule_version_id = ranked.rule_version_id
    AND foreseen.action_index = ranked.action_index;
