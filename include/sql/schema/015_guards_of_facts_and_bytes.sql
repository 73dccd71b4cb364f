-- What nobody writes by hand: the facts that a document is judged by, the bytes of a held one, the
-- way of a bag, and the outcome of an item. Grants keep tasks from most of it already; these hold
-- whoever writes.

-- Since when a document is registered, which of its fields changed when, and which dates it had
-- before: the cooling-off and the floors count from there. The database keeps them.
CREATE FUNCTION guard_document_facts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'what document % is judged by is kept by the database and never written', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'the_facts_of_a_document_are_kept';
END
$$;
-- Before note_field_changes, whose name comes later: what that one writes is not seen here.
CREATE TRIGGER guard_document_facts
BEFORE UPDATE OF id, organization_id, registered_at, created_at, is_baseline, field_changed_at,
anchor_floors, version ON documents
FOR EACH ROW
WHEN (
    (
        new.id, new.organization_id, new.registered_at, new.created_at, new.is_baseline,
        new.field_changed_at, new.anchor_floors
    ) IS DISTINCT FROM (
        old.id, old.organization_id, old.registered_at, old.created_at, old.is_baseline,
        old.field_changed_at, old.anchor_floors
    )
    OR new.version < old.version
)
EXECUTE FUNCTION guard_document_facts();

-- A new document is registered now; only the owner of the catalogue brings older ones over.
CREATE FUNCTION guard_registration() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'doclife_owner', 'MEMBER') THEN
        RAISE EXCEPTION 'document % is registered now and not since %',
            quote_literal(NEW.external_id), NEW.registered_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'the_facts_of_a_document_are_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_registration BEFORE INSERT ON documents
FOR EACH ROW WHEN (new.registered_at < now() - interval '1 hour')
EXECUTE FUNCTION guard_registration();

-- A held document keeps its bytes: the copy in the archive leaves only when the document is active
-- again on its original, and the original never.
CREATE FUNCTION guard_bytes_of_held_document() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF
        NEW.stored_object_id IS NULL
        OR (NEW.status, NEW.archived_object_id IS NULL) IS DISTINCT FROM ('active', true)
        OR OLD.status <> 'archived'
    THEN
        RAISE EXCEPTION 'document % is under % legal hold(s) and keeps its bytes', NEW.id, NEW.hold_count
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_held_document_is_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_bytes_of_held_document
BEFORE UPDATE OF stored_object_id, archived_object_id ON documents
FOR EACH ROW
WHEN (
    new.hold_count > 0
    AND (
        (new.stored_object_id IS NULL AND old.stored_object_id IS NOT NULL)
        OR (
            old.archived_object_id IS NOT NULL
            AND new.archived_object_id IS DISTINCT FROM old.archived_object_id
        )
    )
)
EXECUTE FUNCTION guard_bytes_of_held_document();

-- Nor are they condemned, whoever refers to them besides.
CREATE INDEX documents_by_archived_object ON documents (archived_object_id)
WHERE archived_object_id IS NOT NULL;
CREATE FUNCTION guard_held_bytes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        EXISTS (SELECT FROM documents WHERE stored_object_id = NEW.id AND hold_count > 0)
        OR EXISTS (SELECT FROM documents WHERE archived_object_id = NEW.id AND hold_count > 0)
    THEN
        RAISE EXCEPTION 'the bytes at % belong to a document under legal hold', NEW.uri
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_held_document_is_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_held_bytes BEFORE UPDATE OF removing_since, removed_at ON stored_objects
FOR EACH ROW
WHEN (
    (new.removing_since IS NOT NULL AND old.removing_since IS NULL)
    OR (new.removed_at IS NOT NULL AND old.removed_at IS NULL)
)
EXECUTE FUNCTION guard_held_bytes();

-- References are counted by the triggers of documents and by nobody else; bytes stay where they are.
CREATE FUNCTION guard_stored_object() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'where the bytes at % lie and who refers to them is kept by the database', OLD.uri
        USING ERRCODE = 'check_violation', CONSTRAINT = 'references_are_counted_by_the_database';
END
$$;
CREATE TRIGGER guard_stored_object
BEFORE UPDATE OF id, store_id, uri, bag_id, reference_count ON stored_objects
FOR EACH ROW
WHEN (
    pg_trigger_depth() = 0
    AND (new.id, new.store_id, new.uri, new.bag_id, new.reference_count)
    IS DISTINCT FROM (old.id, old.store_id, old.uri, old.bag_id, old.reference_count)
)
EXECUTE FUNCTION guard_stored_object();

-- A bag goes its own way (docs/lifecycle.md) and stays in its place: what is sealed is never taken
-- for half written, which is swept away.
CREATE FUNCTION guard_bag() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        (OLD.state, NEW.state) NOT IN (
            ('writing', 'sealed'), ('writing', 'rewriting'), ('writing', 'removed'),
            ('sealed', 'rewriting'), ('sealed', 'removed'), ('rewriting', 'sealed'),
            ('rewriting', 'removed')
        )
        AND OLD.state <> NEW.state
        OR (NEW.uri <> OLD.uri AND OLD.uri NOT LIKE 'unplaced:%')
        OR (NEW.state = 'removed' AND OLD.state <> 'removed' AND EXISTS (
            SELECT FROM stored_objects
            WHERE bag_id = NEW.id AND reference_count > 0 AND removed_at IS NULL
        ))
    THEN
        RAISE EXCEPTION 'bag % cannot go from % at % to % at %',
            NEW.id, OLD.state, OLD.uri, NEW.state, NEW.uri
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_bag_moves_along_its_states';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_bag BEFORE UPDATE OF state, uri ON archive_bags
FOR EACH ROW WHEN ((new.state, new.uri) IS DISTINCT FROM (old.state, old.uri))
EXECUTE FUNCTION guard_bag();

-- The outcome of an item is history: only an undo adds to it.
CREATE FUNCTION guard_finished_item() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'item % of plan % is % and stays so', OLD.document_id, OLD.plan_id, OLD.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'an_outcome_is_never_rewritten';
END
$$;
CREATE TRIGGER guard_finished_item BEFORE UPDATE ON plan_items
FOR EACH ROW WHEN (old.state <> 'planned' AND (old.state, new.state) <> ('done', 'undone'))
EXECUTE FUNCTION guard_finished_item();
CREATE TRIGGER items_are_never_removed BEFORE DELETE OR TRUNCATE ON plan_items
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT EXECUTE ON FUNCTION guard_document_facts(), guard_registration(),
guard_bytes_of_held_document(), guard_stored_object(), guard_finished_item()
TO doclife_worker, doclife_application;
