-- Where the external ids of a manifest are compared with each other, for this session only.
CREATE TEMPORARY TABLE IF NOT EXISTS import_names (
    line bigint NOT NULL,
    name text NOT NULL
) ON COMMIT PRESERVE ROWS;
