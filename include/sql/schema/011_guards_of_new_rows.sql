-- The doors that a new row could still come in by, and what applications may write.

-- A document begins as active and free of holds: the trash is entered from there, through a plan.
CREATE FUNCTION guard_new_document() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'document % begins as active and without holds, not as % with %',
        quote_literal(NEW.external_id), NEW.status, NEW.hold_count
        USING ERRCODE = 'check_violation', CONSTRAINT = 'a_document_begins_as_active';
END
$$;
CREATE TRIGGER guard_new_document BEFORE INSERT ON documents
FOR EACH ROW WHEN (new.status <> 'active' OR new.hold_count <> 0)
EXECUTE FUNCTION guard_new_document();

-- The counter only follows the holds; nobody takes a hold off by writing it.
CREATE FUNCTION guard_hold_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    holds integer;
BEGIN
    SELECT count(*) INTO holds FROM matter_documents
    WHERE document_id = NEW.id AND released_at IS NULL AND too_late_since IS NULL;
    IF NEW.hold_count < holds THEN
        RAISE EXCEPTION 'document % is under % legal hold(s): release it from its matter',
            NEW.id, holds
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_hold_is_released_in_its_matter';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_hold_count BEFORE UPDATE OF hold_count ON documents
FOR EACH ROW WHEN (new.hold_count < old.hold_count)
EXECUTE FUNCTION guard_hold_count();

CREATE FUNCTION guard_new_plan() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'a plan begins as planned, not as %', NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'a_plan_begins_as_planned';
END
$$;
CREATE TRIGGER guard_new_plan BEFORE INSERT ON plans
FOR EACH ROW WHEN (new.state <> 'planned') EXECUTE FUNCTION guard_new_plan();

-- Applications register documents and describe them; what happens to them is not theirs to write,
-- nor since when they are registered: the cooling-off counts from there.
GRANT SELECT ON organizations, stores, stored_objects, documents, metadata_fields
TO doclife_application;
GRANT INSERT (store_id, uri, size_bytes, sha256, etag, version_id, modified_at)
ON stored_objects TO doclife_application;
GRANT INSERT (
    organization_id, external_id, title, document_type, owner, tags, metadata, media_type,
    size_bytes, stored_object_id, created_on, modified_on, last_accessed_on, expires_on
) ON documents TO doclife_application;
GRANT UPDATE (
    title, document_type, owner, tags, metadata, media_type, created_on, modified_on,
    last_accessed_on, expires_on
) ON documents TO doclife_application;

-- A hold came too late only where destruction had begun; nobody ends one by writing that it did.
CREATE FUNCTION guard_too_late() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM documents WHERE id = NEW.document_id AND status IN ('purging', 'purged')
    ) THEN
        RAISE EXCEPTION 'the hold on document % did not come too late', NEW.document_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_hold_is_released_in_its_matter';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_too_late BEFORE UPDATE OF too_late_since ON matter_documents
FOR EACH ROW WHEN (old.too_late_since IS NULL AND new.too_late_since IS NOT NULL)
EXECUTE FUNCTION guard_too_late();

-- What an application says has happened to a document, or takes back, may move the clock of a rule:
-- plans that were made before see a changed document.
CREATE FUNCTION note_event_on_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    UPDATE documents SET version = version + 1 WHERE id = NEW.document_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_event_on_document AFTER INSERT OR UPDATE OF withdrawn_at ON events
FOR EACH ROW WHEN (new.is_external AND new.document_id IS NOT NULL)
EXECUTE FUNCTION note_event_on_document();
