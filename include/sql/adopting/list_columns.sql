-- The columns of a table. An enumeration counts as text, a domain as what it is made of.
--   table_oid  oid
-- Returns name text, type text, is_key boolean (unique and never NULL), may_write boolean.
SELECT
    attribute.attname AS name,
    CASE
        WHEN type.typtype = 'e' THEN 'text'
        ELSE format_type(coalesce(nullif(type.typbasetype, 0), type.oid), NULL)
    END AS type,
    attribute.attnotnull AND EXISTS (
        SELECT FROM pg_catalog.pg_index AS index
        WHERE
            index.indrelid = attribute.attrelid
            AND index.indisunique
            AND index.indisvalid
            AND index.indpred IS NULL
            AND index.indnkeyatts = 1
            AND index.indkey[0] = attribute.attnum
    ) AS is_key,
    has_column_privilege(attribute.attrelid, attribute.attnum, 'UPDATE') AS may_write
FROM pg_catalog.pg_attribute AS attribute
INNER JOIN pg_catalog.pg_type AS type ON attribute.atttypid = type.oid
WHERE attribute.attrelid = %(table_oid)s AND attribute.attnum > 0 AND NOT attribute.attisdropped
ORDER BY attribute.attnum;
