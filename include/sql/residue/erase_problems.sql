-- Forget what could not be read of, or written into, the rows of the batch's documents in the tables of
-- applications. Only that the purge itself could not be written back stays listed, without their words.
WITH forgotten AS (
    DELETE FROM attached_table_problems AS problem
    USING pg_temp.residue, attached_tables AS attached
    WHERE
        residue.attached_table_id = attached.id
        AND problem.attached_table_id = attached.id
        AND residue.external_id = attached.prefix || problem.row_key
        AND NOT starts_with(problem.reason, 'purged could not be written back')
)

UPDATE attached_table_problems AS problem
SET reason = without_words(problem.reason, residue.words)
FROM pg_temp.residue
INNER JOIN attached_tables AS attached ON residue.attached_table_id = attached.id
WHERE
    problem.attached_table_id = attached.id
    AND residue.external_id = attached.prefix || problem.row_key
    AND starts_with(problem.reason, 'purged could not be written back');
