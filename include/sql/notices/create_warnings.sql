-- The working table of one rule's warnings. It outlives transactions, because warnings are stored in
-- several; it goes with the session.
CREATE TEMP TABLE IF NOT EXISTS warnings (
    document_id bigint PRIMARY KEY,
    document_version bigint NOT NULL,
    anchor_on date,
    goes_on date NOT NULL,
    window_days integer NOT NULL,
    -- Nobody else could be warned: this one goes to the organization's fallback recipient.
    to_fallback boolean NOT NULL
) ON COMMIT PRESERVE ROWS;
