-- What is left when a document is purged: its tombstone, and nothing that says what it was called, whose
-- it was or where it lay. docs/erasure.md says table by table what goes and what may stay.

-- Makes tombstone keys useless to whoever guesses names without this database.
ALTER TABLE deployment ADD COLUMN tombstone_salt bytea NOT NULL
DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- What stands for an external id in a tombstone: an id may be a file's path or a person's name, and
-- yet an import that brings the same id again must be told that it was destroyed.
CREATE FUNCTION tombstone_key(salt bytea, external_id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 'purged:' || encode(sha256(salt || convert_to(external_id, 'UTF8')), 'hex')
$$;
GRANT EXECUTE ON FUNCTION tombstone_key(bytea, text)
TO doclife_worker, doclife_application, doclife_reader;

-- What a tombstone is found by. Its predicate names no status: an index that did would make every change
-- of a status touch all indexes of the row. Whoever looks here compares the organization by IS NOT
-- DISTINCT FROM, which no index serves, so that none but this one is left: while a catalogue is young,
-- PostgreSQL takes one by organization for as good, and reads all of it for each row of an import.
CREATE INDEX documents_by_tombstone ON documents (external_id)
WHERE starts_with(external_id, 'purged:');

CREATE FUNCTION forget_external_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    SELECT tombstone_key(deployment.tombstone_salt, OLD.external_id) INTO STRICT NEW.external_id
    FROM deployment;
    RETURN NEW;
END
$$;
CREATE TRIGGER forget_external_id BEFORE UPDATE OF status ON documents
FOR EACH ROW WHEN (new.status = 'purged' AND old.status <> 'purged')
EXECUTE FUNCTION forget_external_id();

-- Those that were purged before.
UPDATE documents AS document
SET external_id = tombstone_key(deployment.tombstone_salt, document.external_id)
FROM deployment
WHERE document.status = 'purged';

-- Whoever registers a document under the external id of a destroyed one is told, as of any other id
-- that is taken.
CREATE FUNCTION refuse_destroyed_documents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
-- A catalogue is read by the index of tombstones alone here, also while its statistics are those of an
-- empty one.
SET enable_seqscan = off
AS $$
DECLARE
    destroyed text;
BEGIN
    IF NOT EXISTS (SELECT FROM documents WHERE starts_with(external_id, 'purged:')) THEN
        RETURN NULL;
    END IF;
    SELECT registered.external_id INTO destroyed
    FROM registered
    CROSS JOIN LATERAL (
        SELECT FROM documents AS tombstone
        WHERE
            tombstone.organization_id IS NOT DISTINCT FROM registered.organization_id
            AND starts_with(tombstone.external_id, 'purged:')
            AND tombstone.external_id = tombstone_key(
                (SELECT deployment.tombstone_salt FROM deployment), registered.external_id
            )
        OFFSET 0 -- noqa: AM09
    ) AS found
    LIMIT 1;
    IF destroyed IS NOT NULL THEN
        RAISE EXCEPTION 'the document of external id % was destroyed; give this one another id',
            quote_literal(destroyed)
            USING ERRCODE = 'unique_violation',
            CONSTRAINT = 'a_destroyed_document_does_not_come_back';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER refuse_destroyed_documents AFTER INSERT ON documents
REFERENCING NEW TABLE AS registered
FOR EACH STATEMENT EXECUTE FUNCTION refuse_destroyed_documents();

-- The words of a finished item may be taken back where they name a purged document; its outcome never.
CREATE OR REPLACE FUNCTION guard_finished_item() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        (to_jsonb(NEW) - 'reason') = (to_jsonb(OLD) - 'reason')
        AND EXISTS (SELECT FROM documents WHERE id = OLD.document_id AND status = 'purged')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'item % of plan % is % and stays so', OLD.document_id, OLD.plan_id, OLD.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'an_outcome_is_never_rewritten';
END
$$;

-- So may what a reviewer wrote about a single document. What was decided, by whom and when, stays.
DROP TRIGGER plan_decisions_never_change ON plan_decisions;
CREATE TRIGGER plan_decisions_never_change
BEFORE UPDATE OF id, plan_id, document_id, stage, decision, extend_until, decided_by, decided_at,
is_valid, invalid_reason OR DELETE OR TRUNCATE ON plan_decisions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION guard_decision() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        NEW.comment IS NULL
        AND (to_jsonb(NEW) - 'comment') = (to_jsonb(OLD) - 'comment')
        AND EXISTS (SELECT FROM documents WHERE id = OLD.document_id AND status = 'purged')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'update of plan_decisions is refused: its rows never change'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER guard_decision BEFORE UPDATE ON plan_decisions
FOR EACH ROW EXECUTE FUNCTION guard_decision();
GRANT UPDATE (comment) ON plan_decisions TO doclife_worker;
GRANT EXECUTE ON FUNCTION guard_decision() TO doclife_worker;

-- Where destroyed bytes lay, under which file name, is forgotten; that they were there, how large and
-- with which digest, stays. The payload of a bag is named by numbers.
DROP TRIGGER guard_stored_object ON stored_objects;
CREATE TRIGGER guard_stored_object
BEFORE UPDATE OF id, store_id, uri, bag_id, reference_count ON stored_objects
FOR EACH ROW
WHEN (
    pg_trigger_depth() = 0
    AND (new.id, new.store_id, new.uri, new.bag_id, new.reference_count)
    IS DISTINCT FROM (old.id, old.store_id, old.uri, old.bag_id, old.reference_count)
    AND NOT (
        old.removed_at IS NOT NULL
        AND old.reference_count = 0
        AND new.uri LIKE '%/.forgotten/' || old.id
        AND (new.id, new.store_id, new.reference_count)
        = (old.id, old.store_id, old.reference_count)
        AND new.bag_id IS NULL
        AND old.bag_id IS NULL
    )
)
EXECUTE FUNCTION guard_stored_object();
GRANT UPDATE (uri) ON stored_objects TO doclife_worker;

GRANT UPDATE (payload, subject) ON events TO doclife_worker;
GRANT UPDATE (recipient) ON notices, keepings TO doclife_worker;
GRANT UPDATE (answer_head, error) ON delivery_attempts TO doclife_worker;
GRANT UPDATE (address, reason) ON delivery_events TO doclife_worker;
GRANT UPDATE (payload) ON job_history TO doclife_worker;
GRANT UPDATE (reason), DELETE ON attached_table_problems TO doclife_worker;
GRANT UPDATE (html_bytes, html_sha256, csv_bytes, csv_sha256) ON reports TO doclife_worker;

-- Which documents a line in the dashboard is about, where it is about several.
ALTER TABLE notifications ADD COLUMN document_ids bigint [];

-- Purged documents that messages and reports may still name: those are not found by the document, so
-- they are swept for many at once, after the purge. A row stays until nothing names its document.
CREATE TABLE purged_documents_to_sweep (
    document_id bigint PRIMARY KEY REFERENCES documents,
    organization_id bigint NOT NULL REFERENCES organizations,
    purged_at timestamptz NOT NULL
);
GRANT INSERT, DELETE ON purged_documents_to_sweep TO doclife_worker;

-- A text without some words, in large letters and small.
CREATE FUNCTION without_words(said text, words text []) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    word text;
BEGIN
    -- The longest first: what contains another word goes whole.
    FOR word IN
        SELECT given FROM unnest(words) AS given WHERE length(given) >= 3
        ORDER BY length(given) DESC
    LOOP
        -- Literally; a longer word than regular expressions take is found as it is written.
        said := CASE
            WHEN length(word) > 1000 THEN replace(said, word, '[erased]')
            ELSE regexp_replace(said, '***=' || word, '[erased]', 'gi')
        END;
    END LOOP;
    RETURN said;
END
$$;
GRANT EXECUTE ON FUNCTION without_words(text, text []) TO doclife_worker;

-- Which documents the payload of a job names; empty for none.
CREATE FUNCTION documents_of_payload(payload jsonb) RETURNS bigint []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT array_agg(given.id::bigint)
    FROM (
        SELECT payload #>> '{document,id}' AS id
        UNION ALL
        SELECT payload #>> '{data,document,id}'
        UNION ALL
        SELECT jsonb_array_elements_text(payload -> 'document_ids')
        WHERE jsonb_typeof(payload -> 'document_ids') = 'array'
    ) AS given
    WHERE given.id ~ '^[0-9]{1,18}$'
$$;
GRANT EXECUTE ON FUNCTION documents_of_payload(jsonb) TO doclife_worker;

-- A waiting call about a purged document tells which one, and nothing of what it said.
CREATE FUNCTION without_document(payload jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT jsonb_set(
        payload,
        '{data,document}',
        jsonb_build_object(
            'id', payload #> '{data,document,id}',
            'document_type', payload #> '{data,document,document_type}',
            'status', 'purged'
        )
    )
    WHERE payload #> '{data,document}' IS NOT NULL
$$;
GRANT EXECUTE ON FUNCTION without_document(jsonb) TO doclife_worker;

-- As before; a row whose document was destroyed is that document's still, by its tombstone's key.
-- Takes over rows of one statement or batch in one go, and returns how many documents are new or other.
-- A field that is not followed keeps what the catalogue says. Bytes that were read know their size.
CREATE OR REPLACE FUNCTION take_over_rows_at_once(
    attached attached_tables, given attached_row [], actor text, is_baseline boolean
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    followed text [] := attached.followed_fields;
    taken bigint;
    salt bytea := (SELECT tombstone_salt FROM deployment);
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
            WHERE
                found.attached_table_id = attached.id
                AND found.external_id = row.external_id
            UNION ALL
            SELECT found.id, found.organization_id
            FROM documents AS found
            WHERE
                found.attached_table_id IS NOT DISTINCT FROM attached.id
                AND starts_with(found.external_id, 'purged:')
                AND found.external_id = tombstone_key(salt, row.external_id)
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

-- As before; a row is found by what its document was called before it was purged.
-- What doclife does to a document is written into the application's row, in the same transaction,
-- where the mapping asks for it. A row that refuses is listed; the document's state stands.
CREATE OR REPLACE FUNCTION tell_attached_table() RETURNS trigger
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
    row_key := substr(OLD.external_id, length(attached.prefix) + 1);
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
