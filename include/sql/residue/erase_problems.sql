-- Forget what was wrong with the rows of the batch's documents in the tables of applications.
DELETE FROM attached_table_problems AS problem
USING pg_temp.residue, attached_tables AS attached
WHERE
    residue.attached_table_id = attached.id
    AND problem.attached_table_id = attached.id
    AND problem.is_unread
    AND residue.external_id = attached.prefix || problem.row_key;
