-- The working table of one batch of a purge: what its documents were called while they still say so.
CREATE TEMP TABLE IF NOT EXISTS residue (
    document_id bigint PRIMARY KEY,
    organization_id bigint NOT NULL,
    attached_table_id bigint,
    external_id text NOT NULL,
    -- Every word that must not be left anywhere: title, owner, external id, places and file names.
    words text [] NOT NULL,
    object_ids bigint [] NOT NULL
) ON COMMIT DELETE ROWS;
