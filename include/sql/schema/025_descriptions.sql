-- What a description finds, in one place: a page, a count and a deed to all of it must find the same.

-- Whether a job is one that somebody describes: what it carries, where it goes and what went wrong.
-- What is described as NULL does not narrow.
CREATE FUNCTION is_described_job(
    job_kind text,
    carried text,
    error text,
    unique_key text,
    -- Of the endpoint that the job knows by number; NULL where that is gone, or not yet known.
    endpoint_name text,
    wanted_kind text,
    wanted_endpoint text,
    wanted_words text,
    wanted_error text
) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT
        (wanted_kind IS NULL OR job_kind = wanted_kind)
        AND (
            wanted_endpoint IS NULL
            OR (
                job_kind = 'webhook'
                AND coalesce(endpoint_name, carried::jsonb ->> 'endpoint') = wanted_endpoint
            )
        )
        AND (
            wanted_words IS NULL
            OR strpos(
                lower(concat_ws(' ', carried, error, unique_key)), lower(wanted_words)
            ) > 0
        )
        AND (wanted_error IS NULL OR strpos(lower(error), lower(wanted_error)) > 0)
$$;

-- The types of notifications of which a person, who goes by some names, asked to be left alone.
CREATE FUNCTION quiet_types(organization bigint, names text []) RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
    SELECT unnest(preference.quiet_types)
    FROM recipient_preferences AS preference
    WHERE
        preference.organization_id = quiet_types.organization
        AND preference.channel = 'notification'
        AND lower(preference.recipient) IN (
            SELECT lower(given.name) FROM unnest(quiet_types.names) AS given (name)
        )
$$;

GRANT EXECUTE ON FUNCTION
is_described_job(text, text, text, text, text, text, text, text, text),
quiet_types(bigint, text [])
TO doclife_worker, doclife_reader;
