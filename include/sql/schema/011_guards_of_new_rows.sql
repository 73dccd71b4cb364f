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

-- What a plan destroys is complete before anybody is asked about it or it is applied.
CREATE FUNCTION guard_new_items() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF (
        SELECT bool_or(plan.state <> 'planned')
        FROM (
            SELECT state FROM plans
            WHERE id IN (SELECT DISTINCT plan_id FROM added)
            FOR SHARE
        ) AS plan
    )
    THEN
        RAISE EXCEPTION 'a plan takes no more documents once it is asked about or applied'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_plan_is_complete_when_it_is_decided';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_new_items AFTER INSERT ON plan_items
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION guard_new_items();

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
