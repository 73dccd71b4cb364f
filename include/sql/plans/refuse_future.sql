-- What forbids a plan with these moments; NULL when nothing does.
--   now    timestamptz  what the caller says the present is
--   as_of  timestamptz  the decision moment
--   mode   text         simulate or enforce
SELECT
    CASE
        WHEN %(now)s > clock_timestamp() + interval '5 seconds'
            THEN 'the given present lies in the future of the database clock'
        WHEN %(mode)s = 'enforce' AND %(as_of)s > clock_timestamp()
            THEN 'as_of lies in the future: the future can only be simulated'
    END AS refusal;
