-- Write down that a table is attached, or attached again. Another mapping reads every row anew.
--   name, schema_name, table_name  text
--   mapping                        jsonb
--   followed_fields                text[]
--   prefix                         text
--   writes_back                    boolean
--   actor                          text
--   now                            timestamptz
-- Returns the id bigint.
INSERT INTO attached_tables AS known (
    name, table_schema, table_name, mapping, followed_fields, prefix, writes_back, attached_by,
    attached_at
)
VALUES (
    %(name)s, %(schema_name)s, %(table_name)s, %(mapping)s, %(followed_fields)s, %(prefix)s,
    %(writes_back)s, %(actor)s, %(now)s
)
ON CONFLICT (table_schema, table_name) DO UPDATE
SET
name = excluded.name,
mapping = excluded.mapping,
followed_fields = excluded.followed_fields,
prefix = excluded.prefix,
writes_back = excluded.writes_back,
attached_by = excluded.attached_by,
attached_at = excluded.attached_at,
detached_at = NULL,
baseline_key = CASE
    WHEN known.mapping = excluded.mapping AND known.detached_at IS NULL THEN known.baseline_key
END,
baseline_rows = CASE
    WHEN known.mapping = excluded.mapping AND known.detached_at IS NULL THEN known.baseline_rows
    ELSE 0
END,
baseline_ended_at = CASE
    WHEN known.mapping = excluded.mapping AND known.detached_at IS NULL THEN known.baseline_ended_at
END
RETURNING known.id;
