-- Whose bytes are: two organizations share neither a store that belongs to one of them nor stored objects
-- that an application named. And attached tables, whose rows say themselves whose they are.

-- NULL: everybody's, as far as doclife itself writes. Applications of the first organization only.
ALTER TABLE stores ADD COLUMN organization_id bigint REFERENCES organizations;

-- Whose they are: of the document that refers to them first, or of the application that registered them.
-- Where there is one organization, its existing bytes are known without writing a row.
DO $$
BEGIN
    IF (SELECT count(*) FROM organizations) = 1 THEN
        EXECUTE pg_catalog.format(
            'ALTER TABLE stored_objects ADD COLUMN organization_id bigint DEFAULT %s',
            (SELECT id FROM organizations)
        );
        ALTER TABLE stored_objects ALTER COLUMN organization_id DROP DEFAULT;
        RETURN;
    END IF;
    ALTER TABLE stored_objects ADD COLUMN organization_id bigint;
    UPDATE stored_objects AS object
    SET organization_id = owner.organization_id
    FROM (
        SELECT pointed.object_id, min(pointed.organization_id) AS organization_id
        FROM (
            SELECT stored_object_id AS object_id, organization_id FROM documents
            UNION ALL
            SELECT archived_object_id, organization_id FROM documents
        ) AS pointed
        WHERE pointed.object_id IS NOT NULL
        GROUP BY pointed.object_id
    ) AS owner
    WHERE object.id = owner.object_id;
END
$$;

-- As before; and an application registers bytes in stores of its own organization only. What is not its
-- own is refused before anything is said about it. It runs for each file of an import: what can be told
-- without a query is asked first.
CREATE OR REPLACE FUNCTION guard_place_of_bytes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    is_application boolean := NOT is_doclife_session();
    its_store record;
BEGIN
    SELECT
        store.organization_id,
        -- A store may lie within another's folder.
        NOT EXISTS (
            SELECT FROM stores AS inner_store
            WHERE
                inner_store.organization_id IS DISTINCT FROM store.organization_id
                AND starts_with(inner_store.root_uri, store.root_uri || '/')
                AND starts_with(NEW.uri, inner_store.root_uri || '/')
        ) AS is_innermost
    INTO its_store
    FROM stores AS store
    WHERE store.id = NEW.store_id AND starts_with(NEW.uri, store.root_uri || '/');
    -- Asked by itself: with it, the question above would be planned anew for each file.
    IF is_application THEN
        its_store.is_innermost := its_store.is_innermost
        AND coalesce(its_store.organization_id, (SELECT id FROM organizations WHERE slug = 'default'))
        = ANY(application_organizations());
    END IF;
    IF its_store.is_innermost IS NOT TRUE THEN
        RAISE EXCEPTION '% does not lie in its store', NEW.uri
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bytes_lie_in_their_store';
    END IF;
    IF NEW.bag_id IS NULL AND NEW.uri LIKE '%/bag-%/%' THEN
        IF EXISTS (
            SELECT FROM archive_bags
            WHERE uri = substring(NEW.uri FROM '^(.*/bag-[0-9]+)/') AND state <> 'removed'
        ) THEN
            RAISE EXCEPTION '% lies in an archive bag', NEW.uri
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payloads_belong_to_their_bag';
        END IF;
    END IF;
    IF NEW.organization_id IS NULL AND NEW.bag_id IS NOT NULL THEN
        SELECT bag.organization_id INTO NEW.organization_id
        FROM archive_bags AS bag
        WHERE bag.id = NEW.bag_id;
    END IF;
    IF NEW.organization_id IS NULL THEN
        NEW.organization_id := its_store.organization_id;
    END IF;
    IF NEW.organization_id IS NULL AND is_application THEN
        SELECT id INTO NEW.organization_id FROM organizations WHERE slug = 'default';
    END IF;
    RETURN NEW;
END
$$;

-- As before, and whose bytes are. An application refers to bytes of its own organization; what is not its
-- own is refused like what does not exist, word for word. A store that belongs to an organization holds
-- documents of no other, whoever registers them.
CREATE OR REPLACE FUNCTION count_references_of_registered_documents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    foreign_store text;
BEGIN
    IF
        NOT is_doclife_session()
        AND EXISTS (
            SELECT FROM registered
            INNER JOIN stored_objects AS object ON registered.stored_object_id = object.id
            WHERE object.organization_id IS DISTINCT FROM registered.organization_id
        )
    THEN
        RAISE EXCEPTION
            'insert or update on table "documents" violates foreign key constraint "documents_stored_object_id_fkey"'
            USING ERRCODE = 'foreign_key_violation',
            DETAIL = 'Key is not present in table "stored_objects".',
            SCHEMA = 'doclife', TABLE = 'documents',
            CONSTRAINT = 'documents_stored_object_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM stores WHERE organization_id IS NOT NULL) THEN
        SELECT store.name INTO foreign_store
        FROM registered
        INNER JOIN stored_objects AS object ON registered.stored_object_id = object.id
        INNER JOIN stores AS store ON object.store_id = store.id
        WHERE store.organization_id <> registered.organization_id
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'store % belongs to another organization', quote_literal(foreign_store)
                USING ERRCODE = 'check_violation',
                CONSTRAINT = 'a_store_holds_documents_of_its_organization';
        END IF;
    END IF;
    UPDATE stored_objects AS object
    SET
        reference_count = object.reference_count + new_references.count,
        organization_id = CASE
            WHEN object.reference_count > 0
                THEN coalesce(object.organization_id, new_references.organization_id)
            ELSE new_references.organization_id
        END
    FROM (
        SELECT object_id, count(*) AS count, min(organization_id) AS organization_id
        FROM (
            SELECT stored_object_id AS object_id, organization_id FROM registered
            UNION ALL
            SELECT archived_object_id, organization_id FROM registered
        ) AS pointed_at
        WHERE object_id IS NOT NULL
        GROUP BY object_id
    ) AS new_references
    WHERE object.id = new_references.object_id;
    RETURN NULL;
END
$$;

-- As before, and whose bytes are.
CREATE OR REPLACE FUNCTION count_references_of_changed_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    UPDATE stored_objects AS object
    SET
        reference_count = object.reference_count + change.by,
        organization_id = CASE
            WHEN change.by > 0 AND object.reference_count = 0 THEN NEW.organization_id
            ELSE object.organization_id
        END
    FROM (
        SELECT object_id, sum(step) AS by
        FROM (VALUES
            (OLD.stored_object_id, -1), (OLD.archived_object_id, -1),
            (NEW.stored_object_id, 1), (NEW.archived_object_id, 1)
        ) AS steps (object_id, step)
        WHERE object_id IS NOT NULL
        GROUP BY object_id
        HAVING sum(step) <> 0
    ) AS change
    WHERE object.id = change.object_id;
    RETURN NULL;
END
$$;

-- A session that is bound to an organization registers no document of another through the row of an
-- attached table. The row is listed instead, and what it said before deletes nothing. Returns what is left.
CREATE FUNCTION list_rows_of_others(attached_table_id bigint, given attached_row [])
RETURNS attached_row []
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
DECLARE
    own bigint [] := CASE WHEN NOT is_doclife_session() THEN bound_organizations() END;
BEGIN
    IF own IS NULL THEN
        RETURN given;
    END IF;
    PERFORM list_problem(
        list_rows_of_others.attached_table_id, one.row_key,
        'it was written by a session of another organization'
    )
    FROM unnest(given) AS one
    WHERE one.organization_id <> ALL(own);
    RETURN ARRAY(
        SELECT one::attached_row FROM unnest(given) AS one
        WHERE (one.organization_id <> ALL(own)) IS NOT TRUE
    );
END
$$;

-- As before, without the rows of others.
--   is_repeatable  the caller can do all of it again: then a stale snapshot is its to hear of
CREATE OR REPLACE FUNCTION take_over_rows(
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
    given := list_rows_of_others(attached.id, given);
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

-- As before, without the documents of others: their rows are gone all the same, and the list says so.
CREATE OR REPLACE FUNCTION note_removed_rows(
    attached_table_id bigint, keys text [], actor text
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    own bigint [] := CASE WHEN NOT is_doclife_session() THEN bound_organizations() END;
    noted bigint;
BEGIN
    WITH removed AS MATERIALIZED (
        SELECT
            document.id,
            document.organization_id,
            organization.time_zone,
            substr(document.external_id, length(attached.prefix) + 1) AS row_key,
            (own IS NULL OR document.organization_id = ANY(own)) AS is_own
        FROM attached_tables AS attached
        INNER JOIN documents AS document ON attached.id = document.attached_table_id
        INNER JOIN organizations AS organization ON document.organization_id = organization.id
        WHERE
            attached.id = note_removed_rows.attached_table_id
            AND (
                note_removed_rows.keys IS NULL
                OR document.external_id IN (
                    SELECT attached.prefix || key.row_key
                    FROM unnest(note_removed_rows.keys) AS key (row_key)
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
            organization_id, 'row.removed', id, (now() AT TIME ZONE time_zone)::date,
            note_removed_rows.actor, true
        FROM removed
        WHERE is_own
    ),
    audited AS (
        INSERT INTO audit_entries (organization_id, actor, action, document_id, reason)
        SELECT
            organization_id, note_removed_rows.actor, 'document.row_removed', id,
            'the application removed its row; the document stays'
        FROM removed
        WHERE is_own
    ),
    listed AS (
        INSERT INTO attached_table_problems (attached_table_id, row_key, reason)
        SELECT
            note_removed_rows.attached_table_id, row_key,
            'it was removed by a session of another organization'
        FROM removed
        WHERE NOT is_own
        ON CONFLICT (attached_table_id, row_key) DO UPDATE
        SET reason = excluded.reason, is_unread = true, noticed_at = excluded.noticed_at
    ),
    mended AS (
        DELETE FROM attached_table_problems AS problem
        WHERE
            problem.attached_table_id = note_removed_rows.attached_table_id
            AND (
                note_removed_rows.keys IS NULL OR problem.row_key = ANY(note_removed_rows.keys)
            )
            AND problem.row_key NOT IN (SELECT row_key FROM removed WHERE NOT is_own)
    )
    SELECT count(*) INTO noted FROM removed WHERE is_own;
    RETURN noted;
END
$$;
