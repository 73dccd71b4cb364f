-- Tables of applications whose rows are documents: `doclife tables attach`. What is particular to one
-- of them (its columns) is generated as functions attached_<id>_...; what all have in common is here.

CREATE TABLE attached_tables (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CONSTRAINT an_attached_table_has_its_own_name UNIQUE,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- The mapping as its author wrote it, in JSON.
    mapping jsonb NOT NULL,
    -- Columns of documents that follow the table; the others are doclife's own to say.
    followed_fields text [] NOT NULL,
    -- Stands before a row's key in the external id.
    prefix text NOT NULL,
    writes_back boolean NOT NULL,
    -- How far the first import is: the last key of the last batch, NULL before the first.
    baseline_key text,
    baseline_rows bigint NOT NULL DEFAULT 0,
    baseline_ended_at timestamptz,
    attached_by text NOT NULL,
    attached_at timestamptz NOT NULL DEFAULT now(),
    detached_at timestamptz,
    CONSTRAINT a_table_is_attached_once UNIQUE (table_schema, table_name)
);

-- Rows that the catalogue could not take over, and why. A row that is mended leaves the list by itself.
CREATE TABLE attached_table_problems (
    attached_table_id bigint NOT NULL REFERENCES attached_tables,
    -- '*' when a whole statement could not be read.
    row_key text NOT NULL,
    reason text NOT NULL,
    -- The row says something that the catalogue does not know; false where only doclife's own state
    -- could not be written into it.
    is_unread boolean NOT NULL DEFAULT true,
    noticed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (attached_table_id, row_key)
);

ALTER TABLE documents ADD COLUMN attached_table_id bigint REFERENCES attached_tables;
-- A row is one document, whatever organization it says that it belongs to.
CREATE UNIQUE INDEX a_row_is_one_document ON documents (attached_table_id, external_id)
WHERE attached_table_id IS NOT NULL;

-- A row as its mapping reads it.
CREATE TYPE attached_row AS (
    row_key text,
    organization_id bigint,
    external_id text,
    title text,
    document_type text,
    owner text,
    tags text [],
    metadata jsonb,
    media_type text,
    size_bytes bigint,
    created_on date,
    modified_on date,
    last_accessed_on date,
    expires_on date,
    -- Why it cannot be taken over; NULL when it can.
    fault text
);

-- Takes over rows of one statement or batch in one go, and returns how many documents are new or other.
-- A field that is not followed keeps what the catalogue says. Bytes that were read know their size.
CREATE FUNCTION take_over_rows_at_once(
    attached attached_tables, given attached_row [], actor text, is_baseline boolean
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    followed text [] := attached.followed_fields;
    taken bigint;
BEGIN
    WITH row AS MATERIALIZED (
        SELECT * FROM unnest(given)
    ),
    judged AS MATERIALIZED (
        SELECT
            row.*,
            own.id AS document_id,
            coalesce(
                row.fault,
                CASE
                    WHEN own.organization_id <> row.organization_id
                        THEN 'its document belongs to another organization, which a row cannot change'
                    WHEN other.id IS NOT NULL
                        THEN 'another document of the organization is called ' || quote_literal(row.external_id)
                END
            ) AS reason
        FROM row
        -- OFFSET 0: by the unique index per row, whatever the statistics say of a young catalogue.
        LEFT JOIN LATERAL (
            SELECT found.id, found.organization_id
            FROM documents AS found
            WHERE found.attached_table_id = attached.id AND found.external_id = row.external_id
            OFFSET 0 -- noqa: AM09
        ) AS own ON true
        LEFT JOIN LATERAL (
            SELECT found.id
            FROM documents AS found
            WHERE
                found.organization_id = row.organization_id
                AND found.external_id = row.external_id
                AND found.attached_table_id IS DISTINCT FROM attached.id
            OFFSET 0 -- noqa: AM09
        ) AS other ON true
    ),
    listed AS (
        INSERT INTO attached_table_problems AS problem (attached_table_id, row_key, reason)
        SELECT attached.id, judged.row_key, judged.reason
        FROM judged
        WHERE judged.reason IS NOT NULL
        ON CONFLICT (attached_table_id, row_key) DO UPDATE
        SET reason = excluded.reason, is_unread = true, noticed_at = excluded.noticed_at
    ),
    mended AS (
        DELETE FROM attached_table_problems AS problem
        USING judged
        WHERE
            problem.attached_table_id = attached.id
            AND problem.row_key = judged.row_key
            AND judged.reason IS NULL
    ),
    registered AS (
        INSERT INTO documents (
            attached_table_id, organization_id, external_id, title, document_type, owner, tags,
            metadata, media_type, size_bytes, created_on, modified_on, last_accessed_on, expires_on,
            is_baseline
        )
        SELECT
            attached.id, judged.organization_id, judged.external_id, judged.title,
            judged.document_type, judged.owner, judged.tags, judged.metadata, judged.media_type,
            judged.size_bytes, judged.created_on, judged.modified_on, judged.last_accessed_on,
            judged.expires_on, take_over_rows_at_once.is_baseline
        FROM judged
        WHERE judged.reason IS NULL AND judged.document_id IS NULL
        ON CONFLICT DO NOTHING
        RETURNING id, organization_id
    ),
    wanted AS MATERIALIZED (
        SELECT
            document.id,
            CASE WHEN 'title' = ANY(followed) THEN judged.title ELSE document.title END AS title,
            CASE WHEN 'document_type' = ANY(followed) THEN judged.document_type
                ELSE document.document_type END AS document_type,
            CASE WHEN 'owner' = ANY(followed) THEN judged.owner ELSE document.owner END AS owner,
            CASE WHEN 'tags' = ANY(followed) THEN judged.tags ELSE document.tags END AS tags,
            CASE WHEN 'metadata' = ANY(followed) THEN judged.metadata
                ELSE document.metadata END AS metadata,
            CASE WHEN 'media_type' = ANY(followed) THEN judged.media_type
                ELSE document.media_type END AS media_type,
            CASE WHEN 'size_bytes' = ANY(followed) AND document.stored_object_id IS NULL
                THEN judged.size_bytes ELSE document.size_bytes END AS size_bytes,
            CASE WHEN 'created_on' = ANY(followed) THEN judged.created_on
                ELSE document.created_on END AS created_on,
            CASE WHEN 'modified_on' = ANY(followed) THEN judged.modified_on
                ELSE document.modified_on END AS modified_on,
            CASE WHEN 'last_accessed_on' = ANY(followed) THEN judged.last_accessed_on
                ELSE document.last_accessed_on END AS last_accessed_on,
            CASE WHEN 'expires_on' = ANY(followed) THEN judged.expires_on
                ELSE document.expires_on END AS expires_on
        FROM judged
        CROSS JOIN LATERAL (
            SELECT found.*
            FROM documents AS found
            WHERE found.id = judged.document_id
            OFFSET 0 -- noqa: AM09
        ) AS document
        -- What is being destroyed or has been is no row's to describe any more.
        WHERE judged.reason IS NULL AND document.status IN ('active', 'archived', 'deleted')
    ),
    changed AS (
        UPDATE documents AS document
        SET
            title = wanted.title, document_type = wanted.document_type, owner = wanted.owner,
            tags = wanted.tags, metadata = wanted.metadata, media_type = wanted.media_type,
            size_bytes = wanted.size_bytes, created_on = wanted.created_on,
            modified_on = wanted.modified_on, last_accessed_on = wanted.last_accessed_on,
            expires_on = wanted.expires_on
        FROM wanted
        WHERE
            document.id = wanted.id
            AND document.status IN ('active', 'archived', 'deleted')
            AND (
                document.title, document.document_type, document.owner, document.tags,
                document.metadata, document.media_type, document.size_bytes, document.created_on,
                document.modified_on, document.last_accessed_on, document.expires_on
            ) IS DISTINCT FROM (
                wanted.title, wanted.document_type, wanted.owner, wanted.tags, wanted.metadata,
                wanted.media_type, wanted.size_bytes, wanted.created_on, wanted.modified_on,
                wanted.last_accessed_on, wanted.expires_on
            )
        RETURNING document.id, document.organization_id
    ),
    returned AS (
        -- The row is there again, so what counted from its removal counts no longer.
        UPDATE events AS event
        SET withdrawn_at = now(), withdrawn_by = take_over_rows_at_once.actor
        FROM judged
        WHERE
            judged.reason IS NULL
            AND event.document_id = judged.document_id
            AND event.type = 'row.removed'
            AND event.is_external
            AND event.withdrawn_at IS NULL
    ),
    done AS (
        SELECT registered.*, 'document.registered' AS type FROM registered
        UNION ALL
        SELECT changed.*, 'document.changed' FROM changed
    ),
    announced AS (
        INSERT INTO events (organization_id, type, document_id, occurred_on, actor)
        SELECT
            done.organization_id, done.type, done.id,
            (now() AT TIME ZONE organization.time_zone)::date, take_over_rows_at_once.actor
        FROM done
        INNER JOIN organizations AS organization ON done.organization_id = organization.id
        WHERE NOT take_over_rows_at_once.is_baseline
    ),
    audited AS (
        INSERT INTO audit_entries (organization_id, actor, action, document_id, reason)
        SELECT
            done.organization_id, take_over_rows_at_once.actor, done.type, done.id,
            'a row of ' || attached.table_schema || '.' || attached.table_name
        FROM done
        WHERE NOT take_over_rows_at_once.is_baseline OR done.type = 'document.changed'
    ),
    summarised AS (
        INSERT INTO audit_entries (organization_id, actor, action, reason, details)
        SELECT
            registered.organization_id, take_over_rows_at_once.actor, 'documents.registered',
            'first import from ' || attached.table_schema || '.' || attached.table_name,
            jsonb_build_object(
                'count', count(*), 'from_document', min(registered.id),
                'to_document', max(registered.id)
            )
        FROM registered
        WHERE take_over_rows_at_once.is_baseline
        GROUP BY registered.organization_id
    )
    SELECT count(*) INTO taken FROM done;
    RETURN taken;
END
$$;

CREATE FUNCTION list_problem(attached_table_id bigint, row_key text, reason text) RETURNS void
LANGUAGE sql
SET search_path = doclife, pg_temp
AS $$
    INSERT INTO attached_table_problems AS problem (attached_table_id, row_key, reason)
    VALUES (list_problem.attached_table_id, list_problem.row_key, list_problem.reason)
    ON CONFLICT (attached_table_id, row_key) DO UPDATE
    SET reason = excluded.reason, is_unread = true, noticed_at = excluded.noticed_at
$$;

-- Whether a document's row says something that could not be taken over. What it says is not known, so
-- nothing is deleted by what it said before.
CREATE FUNCTION is_row_unread(attached_table_id bigint, external_id text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM attached_tables AS attached
        INNER JOIN attached_table_problems AS problem ON attached.id = problem.attached_table_id
        WHERE
            attached.id = is_row_unread.attached_table_id
            AND attached.detached_at IS NULL
            AND problem.is_unread
            AND problem.row_key IN (
                '*', substr(is_row_unread.external_id, length(attached.prefix) + 1)
            )
    )
$$;
GRANT EXECUTE ON FUNCTION is_row_unread(bigint, text) TO doclife_worker, doclife_reader;

-- The same, but nothing of it ever fails: rows that cannot be taken over are listed with the reason.
--   is_repeatable  the caller can do all of it again: then a stale snapshot is its to hear of
CREATE FUNCTION take_over_rows(
    attached_table_id bigint,
    given attached_row [],
    actor text,
    is_baseline boolean,
    is_repeatable boolean
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
DECLARE
    attached attached_tables;
    one attached_row;
    taken bigint := 0;
BEGIN
    IF given IS NULL THEN
        RETURN 0;
    END IF;
    SELECT * INTO STRICT attached FROM attached_tables WHERE id = take_over_rows.attached_table_id;
    BEGIN
        RETURN take_over_rows_at_once(attached, given, actor, is_baseline);
    EXCEPTION
        WHEN serialization_failure THEN
            IF is_repeatable THEN
                RAISE;
            END IF;
            PERFORM list_problem(attached.id, (given_row).row_key, SQLERRM)
            FROM unnest(given) AS given_row;
            RETURN 0;
        WHEN lock_not_available OR deadlock_detected THEN
            -- Whoever waits is the application: it does not wait for each row once more.
            PERFORM list_problem(attached.id, (given_row).row_key, SQLERRM)
            FROM unnest(given) AS given_row;
            RETURN 0;
        WHEN OTHERS THEN
            NULL; -- one of them is bad: the others are taken over one by one
    END;
    FOREACH one IN ARRAY given LOOP
        BEGIN
            taken := taken + take_over_rows_at_once(attached, ARRAY[one], actor, is_baseline);
        EXCEPTION
            WHEN OTHERS THEN
                PERFORM list_problem(attached.id, one.row_key, SQLERRM);
        END;
    END LOOP;
    RETURN taken;
END
$$;

-- The application removed rows. Their documents stay, with all retention they have; the event
-- row.removed tells, and rules may count from it.
--   keys  NULL for every row (TRUNCATE)
CREATE FUNCTION note_removed_rows(attached_table_id bigint, keys text [], actor text) RETURNS bigint
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    noted bigint;
BEGIN
    WITH gone AS MATERIALIZED (
        SELECT document.id, document.organization_id, organization.time_zone
        FROM attached_tables AS attached
        INNER JOIN documents AS document ON attached.id = document.attached_table_id
        INNER JOIN organizations AS organization ON document.organization_id = organization.id
        WHERE
            attached.id = note_removed_rows.attached_table_id
            AND (
                note_removed_rows.keys IS NULL
                OR document.external_id IN (
                    SELECT attached.prefix || removed.row_key
                    FROM unnest(note_removed_rows.keys) AS removed (row_key)
                )
            )
            AND document.status <> 'purged'
            AND NOT EXISTS (
                SELECT FROM events AS event
                WHERE
                    event.document_id = document.id AND event.type = 'row.removed'
                    AND event.is_external AND event.withdrawn_at IS NULL
            )
    ),
    announced AS (
        INSERT INTO events (organization_id, type, document_id, occurred_on, actor, is_external)
        SELECT
            gone.organization_id, 'row.removed', gone.id, (now() AT TIME ZONE gone.time_zone)::date,
            note_removed_rows.actor, true
        FROM gone
    ),
    audited AS (
        INSERT INTO audit_entries (organization_id, actor, action, document_id, reason)
        SELECT
            gone.organization_id, note_removed_rows.actor, 'document.row_removed', gone.id,
            'the application removed its row; the document stays'
        FROM gone
    ),
    mended AS (
        DELETE FROM attached_table_problems AS problem
        WHERE
            problem.attached_table_id = note_removed_rows.attached_table_id
            AND (
                note_removed_rows.keys IS NULL OR problem.row_key = ANY(note_removed_rows.keys)
            )
    )
    SELECT count(*) INTO noted FROM gone;
    RETURN noted;
END
$$;

-- What doclife does to a document is written into the application's row, in the same transaction,
-- where the mapping asks for it. A row that refuses is listed; the document's state stands.
CREATE FUNCTION tell_attached_table() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    attached attached_tables;
    row_key text;
BEGIN
    SELECT * INTO attached FROM attached_tables
    WHERE id = NEW.attached_table_id AND writes_back AND detached_at IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    row_key := substr(NEW.external_id, length(attached.prefix) + 1);
    BEGIN
        EXECUTE format('SELECT attached_%s_write_back($1, $2, $3)', attached.id)
        USING row_key, OLD, NEW;
    EXCEPTION
        WHEN OTHERS THEN
            INSERT INTO attached_table_problems AS problem (
                attached_table_id, row_key, reason, is_unread
            )
            VALUES (
                attached.id, row_key, NEW.status || ' could not be written back: ' || SQLERRM, false
            )
            ON CONFLICT ON CONSTRAINT attached_table_problems_pkey DO UPDATE
            SET reason = excluded.reason, noticed_at = excluded.noticed_at;
    END;
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_attached_table AFTER UPDATE OF status ON documents
FOR EACH ROW
WHEN (new.attached_table_id IS NOT NULL AND new.status IS DISTINCT FROM old.status)
EXECUTE FUNCTION tell_attached_table();
