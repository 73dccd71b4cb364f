-- Every table that is or was attached.
--   name  text  only this one; NULL for all
SELECT
    attached.id AS attached_id,
    attached.name,
    attached.table_schema,
    attached.table_name,
    attached.mapping,
    attached.baseline_key,
    attached.baseline_rows,
    attached.baseline_ended_at,
    attached.attached_by,
    attached.attached_at,
    attached.detached_at,
    (
        SELECT count(*) FROM attached_table_problems AS problem
        WHERE problem.attached_table_id = attached.id
    ) AS problem_count
FROM attached_tables AS attached
WHERE %(name)s::text IS NULL OR attached.name = %(name)s
ORDER BY attached.name;
