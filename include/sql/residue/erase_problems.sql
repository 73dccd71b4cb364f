-- Forget which rows of the batch's documents in the tables of applications could not be read. That a state
-- could not be written back stays listed.
DELETE FROM attached_table_problems AS problem
USING pg_temp.residue, attached_tables AS attached
WHERE
    residue.attached_table_id = attached.id
    AND problem.attached_table_id = attached.id
    AND problem.is_unread
    AND residue.external_id = attached.prefix || problem.row_key;
