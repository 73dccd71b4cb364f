-- The working table of one organization's digests: what each reader is shown. It outlives
-- transactions, because digests are stored page by page; it goes with the session.
CREATE TEMP TABLE IF NOT EXISTS digest_rows (
    -- Address in small letters; empty for the overview of the whole organization.
    recipient text NOT NULL,
    section text NOT NULL,
    place integer NOT NULL,
    -- How many there are in all; rows beyond the cap are not kept.
    total integer NOT NULL,
    title text,
    external_id text,
    document_id bigint,
    on_day date,
    action text,
    reason text,
    PRIMARY KEY (recipient, section, place)
) ON COMMIT PRESERVE ROWS;
