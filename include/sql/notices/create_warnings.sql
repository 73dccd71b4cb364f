-- The working table of one rule's warnings. It outlives transactions, because warnings are stored in
-- several; it goes with the session.
CREATE TEMP TABLE IF NOT EXISTS warnings (
    document_id bigint PRIMARY KEY,
    document_version bigint NOT NULL,
    anchor_on date,
    -- By the rule alone; goes_on is the day after what keeps it longer.
    due_on date NOT NULL,
    goes_on date NOT NULL,
    window_days integer NOT NULL,
    -- Nobody else could be warned: this one goes to the organization's fallback recipient.
    to_fallback boolean NOT NULL,
    -- By the link of an earlier warning.
    was_kept boolean NOT NULL
) ON COMMIT PRESERVE ROWS;
