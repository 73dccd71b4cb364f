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

-- As before, but an item moves its document once: a document that was restored while its plan is
-- still being applied is not taken again by what is done already.
CREATE OR REPLACE FUNCTION guard_document_status() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('active', 'archived'), ('active', 'deleted'), ('archived', 'deleted'),
        ('archived', 'active'), ('deleted', 'active'), ('deleted', 'archived'),
        ('deleted', 'purging'), ('purging', 'purged')
    ) THEN
        RAISE EXCEPTION 'document % cannot go from % to %', NEW.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_document_moves_along_the_lifecycle';
    END IF;
    IF NEW.status IN ('deleted', 'purging') AND NEW.hold_count > 0 THEN
        RAISE EXCEPTION 'document % is under % legal hold(s) and cannot become %',
            NEW.id, NEW.hold_count, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_held_document_is_kept';
    END IF;
    -- purged follows purging, which a plan allowed; restores need no plan.
    IF NEW.status IN ('deleted', 'purging') OR (OLD.status = 'active' AND NEW.status = 'archived')
    THEN
        IF NOT EXISTS (
            SELECT
            FROM plan_items AS item
            INNER JOIN plans AS plan ON item.plan_id = plan.id
            WHERE
                item.document_id = NEW.id
                AND item.state = 'planned'
                AND item.is_reserving
                AND item.action = CASE NEW.status
                    WHEN 'archived' THEN 'ARCHIVE' WHEN 'deleted' THEN 'DELETE' ELSE 'PURGE'
                END
                AND plan.mode = 'enforce'
                AND plan.state = 'applying'
        ) THEN
            RAISE EXCEPTION 'document % may become % only through a plan that is being applied',
                NEW.id, NEW.status
                USING ERRCODE = 'check_violation',
                CONSTRAINT = 'destruction_follows_a_plan';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

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

-- As before, but "approved" always takes an approval, also where no stage was asked for.
CREATE OR REPLACE FUNCTION guard_plan_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
DECLARE
    needed_stages integer := NEW.required_stages;
    approved_stages integer;
    halted text;
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'needs_approval'), ('planned', 'applying'), ('planned', 'superseded'),
        ('planned', 'lapsed'), ('needs_approval', 'approved'), ('needs_approval', 'rejected'),
        ('needs_approval', 'superseded'), ('needs_approval', 'lapsed'), ('approved', 'applying'),
        ('approved', 'superseded'), ('approved', 'lapsed'), ('applying', 'applied'),
        ('applying', 'undone'), ('applied', 'undone')
    ) THEN
        RAISE EXCEPTION 'plan % cannot go from % to %', NEW.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_plan_moves_along_its_states';
    END IF;
    IF 'approved' IN (OLD.state, NEW.state) THEN
        needed_stages := greatest(needed_stages, 1);
    END IF;
    IF NEW.state IN ('approved', 'applying') AND needed_stages > 0 THEN
        SELECT count(DISTINCT decision.stage) INTO approved_stages
        FROM plan_decisions AS decision
        WHERE
            decision.plan_id = NEW.id
            AND decision.document_id IS NULL
            AND decision.decision = 'approve'
            AND decision.is_valid
            AND decision.stage <= needed_stages
            AND NOT EXISTS (
                SELECT FROM plan_decisions AS refusal
                WHERE
                    refusal.plan_id = NEW.id AND refusal.document_id IS NULL
                    AND refusal.decision = 'reject' AND refusal.is_valid
            );
        IF approved_stages < needed_stages THEN
            RAISE EXCEPTION 'plan % needs % approval(s) and has %',
                NEW.id, needed_stages, approved_stages
                USING ERRCODE = 'check_violation', CONSTRAINT = 'an_applied_plan_was_approved';
        END IF;
    END IF;
    IF NEW.state = 'applying' THEN
        halted := halt_reason();
        IF halted IS NOT NULL THEN
            RAISE EXCEPTION 'plan % is not applied: %', NEW.id, halted
                USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_is_applied_while_halted';
        END IF;
        IF NEW.as_of > clock_timestamp() THEN
            RAISE EXCEPTION 'plan % was made as of %, which is in the future', NEW.id, NEW.as_of
                USING ERRCODE = 'check_violation', CONSTRAINT = 'the_future_is_only_simulated';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

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
