-- External ids that a manifest gives to more than one row.
-- Returns name text, lines bigint[].
SELECT
    name,
    array_agg(line ORDER BY line) AS lines
FROM pg_temp.import_names
GROUP BY name
HAVING count(*) > 1;
