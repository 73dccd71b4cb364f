-- Keep an organization's rules from changing, or others from applying plans, until the
-- transaction ends.
--   organization_id  bigint
--   is_shared        boolean  true to read the rules and act on them, false to change them
SELECT
    CASE
        WHEN %(is_shared)s
            THEN pg_advisory_xact_lock_shared(
                hashtextextended('doclife rules', %(organization_id)s)
            )
        ELSE pg_advisory_xact_lock(hashtextextended('doclife rules', %(organization_id)s))
    END;
