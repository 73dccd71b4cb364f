-- Legal holds: what keeps a held document whoever writes, and what is written down about each hold
-- and each matter. hold_count is the lock between a hold and destruction: both write the document's
-- row, so one waits for the other.

-- A hold locks its matter, then its document, as everybody does. What is going already is recorded
-- as too late; a purge that is about to begin either waits for this hold or is seen here.
CREATE FUNCTION guard_new_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    matter record;
    document record;
BEGIN
    SELECT name, organization_id, released_at INTO matter
    FROM matters
    WHERE id = NEW.matter_id
    FOR SHARE;
    IF matter.released_at IS NOT NULL THEN
        RAISE EXCEPTION 'matter % is closed', quote_literal(matter.name)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_closed_matter_takes_no_documents';
    END IF;
    SELECT
        organization_id,
        CASE WHEN status IN ('purging', 'purged') THEN coalesce(purging_at, purged_at) END
        AS destroyed_since
    INTO document
    FROM documents
    WHERE id = NEW.document_id
    FOR NO KEY UPDATE;
    IF document.organization_id <> matter.organization_id THEN
        RAISE EXCEPTION 'document % is of another organization than matter %',
            NEW.document_id, quote_literal(matter.name)
            USING ERRCODE = 'check_violation',
            CONSTRAINT = 'a_matter_holds_documents_of_its_organization';
    END IF;
    NEW.too_late_since := document.destroyed_since;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_new_hold BEFORE INSERT ON matter_documents
FOR EACH ROW EXECUTE FUNCTION guard_new_hold();

-- Which document is under which matter does not change; and a hold came too late only where
-- destruction had begun: nobody ends one by writing that it did.
CREATE FUNCTION guard_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF (NEW.matter_id, NEW.document_id) <> (OLD.matter_id, OLD.document_id) THEN
        RAISE EXCEPTION 'a hold stays with its matter and its document: release it instead'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_hold_is_released_in_its_matter';
    END IF;
    IF
        OLD.too_late_since IS NULL AND NEW.too_late_since IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM documents WHERE id = NEW.document_id AND status IN ('purging', 'purged')
        )
    THEN
        RAISE EXCEPTION 'the hold on document % did not come too late', NEW.document_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_hold_is_released_in_its_matter';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_hold BEFORE UPDATE ON matter_documents
FOR EACH ROW EXECUTE FUNCTION guard_hold();

CREATE TRIGGER holds_are_released_not_removed BEFORE DELETE OR TRUNCATE ON matter_documents
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

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

-- Counts the holds that a statement placed, and writes down each: event and audit entry come from
-- here, so that no hold is without them, whoever wrote it.
CREATE FUNCTION note_new_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    UPDATE documents AS document
    SET hold_count = document.hold_count + placed.count
    FROM (
        SELECT document_id, count(*) AS count
        FROM added
        WHERE released_at IS NULL AND too_late_since IS NULL
        GROUP BY document_id
    ) AS placed
    WHERE document.id = placed.document_id;
    INSERT INTO events (
        organization_id, type, document_id, subject, occurred_on, recorded_at, actor
    )
    SELECT
        organization.id,
        CASE WHEN added.too_late_since IS NULL THEN 'document.held' ELSE 'document.held_too_late' END,
        added.document_id,
        matter.name,
        (added.added_at AT TIME ZONE organization.time_zone)::date,
        added.added_at,
        added.added_by
    FROM added
    INNER JOIN matters AS matter ON added.matter_id = matter.id
    INNER JOIN organizations AS organization ON matter.organization_id = organization.id
    WHERE added.released_at IS NULL;
    INSERT INTO audit_entries (
        organization_id, at, actor, action, document_id, reason, details
    )
    SELECT
        matter.organization_id,
        added.added_at,
        added.added_by,
        CASE WHEN added.too_late_since IS NULL THEN 'document.held' ELSE 'document.held_too_late' END,
        added.document_id,
        matter.name || ': ' || matter.reason,
        jsonb_strip_nulls(jsonb_build_object(
            'matter', matter.name, 'basis', added.basis,
            'destruction_began_at', added.too_late_since
        ))
    FROM added
    INNER JOIN matters AS matter ON added.matter_id = matter.id
    WHERE added.released_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_new_holds AFTER INSERT ON matter_documents
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION note_new_holds();

-- The same for what a statement released, or held again.
CREATE FUNCTION note_changed_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    WITH changed AS MATERIALIZED (
        SELECT
            hold.document_id,
            matter.organization_id,
            matter.name AS matter,
            (hold.released_at IS NULL AND hold.too_late_since IS NULL)::integer
            - (was.released_at IS NULL AND was.too_late_since IS NULL)::integer AS step,
            CASE
                WHEN hold.released_at IS NOT NULL THEN 'document.released'
                WHEN hold.too_late_since IS NOT NULL THEN 'document.held_too_late'
                ELSE 'document.held'
            END AS action,
            coalesce(hold.released_at, hold.added_at) AS at,
            coalesce(hold.released_by, hold.added_by) AS actor,
            CASE
                WHEN hold.released_at IS NULL THEN matter.name || ': ' || matter.reason
                ELSE concat_ws(': ', 'released from ' || matter.name, hold.release_reason)
            END AS reason,
            jsonb_strip_nulls(jsonb_build_object(
                'matter', matter.name, 'basis', hold.basis,
                'destruction_began_at', hold.too_late_since
            )) AS details,
            organization.time_zone
        FROM holds_before AS was
        INNER JOIN holds_after AS hold
            ON was.matter_id = hold.matter_id AND was.document_id = hold.document_id
        INNER JOIN matters AS matter ON hold.matter_id = matter.id
        INNER JOIN organizations AS organization ON matter.organization_id = organization.id
        WHERE
            (was.released_at IS NULL) <> (hold.released_at IS NULL)
            OR (was.too_late_since IS NULL) <> (hold.too_late_since IS NULL)
    ),

    counted AS (
        UPDATE documents AS document
        SET hold_count = document.hold_count + steps.step
        FROM (
            SELECT document_id, sum(step) AS step FROM changed GROUP BY document_id
        ) AS steps
        WHERE document.id = steps.document_id AND steps.step <> 0
    ),

    announced AS (
        INSERT INTO events (
            organization_id, type, document_id, subject, occurred_on, recorded_at, actor
        )
        SELECT
            organization_id, action, document_id, matter, (at AT TIME ZONE time_zone)::date, at,
            actor
        FROM changed
    )

    INSERT INTO audit_entries (
        organization_id, at, actor, action, document_id, reason, details
    )
    SELECT organization_id, at, actor, action, document_id, reason, details
    FROM changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_changed_holds AFTER UPDATE ON matter_documents
REFERENCING OLD TABLE AS holds_before NEW TABLE AS holds_after
FOR EACH STATEMENT EXECUTE FUNCTION note_changed_holds();

-- A matter says for good what it was opened for and by whom. It is closed once, when it holds
-- nobody any more; a condition that changes says by whom.
CREATE FUNCTION guard_matter() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        (NEW.id, NEW.organization_id, NEW.name, NEW.reason, NEW.authority, NEW.created_by,
        NEW.created_at)
        IS DISTINCT FROM
        (OLD.id, OLD.organization_id, OLD.name, OLD.reason, OLD.authority, OLD.created_by,
        OLD.created_at)
    THEN
        RAISE EXCEPTION 'what matter % was opened for cannot change', quote_literal(OLD.name)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'the_facts_of_a_matter_are_fixed';
    END IF;
    IF
        OLD.released_at IS NOT NULL
        AND (NEW.released_at, NEW.released_by, NEW.release_reason, NEW.condition)
        IS DISTINCT FROM (OLD.released_at, OLD.released_by, OLD.release_reason, OLD.condition)
    THEN
        RAISE EXCEPTION 'matter % is closed for good', quote_literal(OLD.name)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_closed_matter_stays_closed';
    END IF;
    IF
        NEW.condition IS DISTINCT FROM OLD.condition
        AND (NEW.changed_at IS NULL OR NEW.changed_at IS NOT DISTINCT FROM OLD.changed_at)
    THEN
        RAISE EXCEPTION 'who changes the condition of matter %, and when?', quote_literal(OLD.name)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_changed_matter_says_by_whom';
    END IF;
    IF
        OLD.released_at IS NULL AND NEW.released_at IS NOT NULL
        AND EXISTS (
            SELECT FROM matter_documents
            WHERE matter_id = NEW.id AND released_at IS NULL AND too_late_since IS NULL
        )
    THEN
        RAISE EXCEPTION 'matter % still holds documents', quote_literal(OLD.name)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_closed_matter_holds_nobody';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_matter BEFORE UPDATE ON matters
FOR EACH ROW EXECUTE FUNCTION guard_matter();

CREATE TRIGGER matters_are_closed_not_removed BEFORE DELETE OR TRUNCATE ON matters
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Writes down that a matter was opened, given another condition, or closed, whoever did it.
CREATE FUNCTION note_matter() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    what text := 'matter.opened';
    who text := NEW.created_by;
    moment timestamptz := NEW.created_at;
    why text := concat_ws(', by order of ', NEW.reason, NEW.authority);
    was jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        was := OLD.condition;
        IF NEW.released_at IS DISTINCT FROM OLD.released_at THEN
            what := 'matter.closed';
            who := NEW.released_by;
            moment := NEW.released_at;
            why := coalesce(NEW.release_reason, 'closed by request');
        ELSIF NEW.condition IS DISTINCT FROM OLD.condition THEN
            what := 'matter.changed';
            who := NEW.changed_by;
            moment := NEW.changed_at;
            why := 'another condition; nobody is released by that';
        ELSE
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO events (organization_id, type, subject, occurred_on, recorded_at, actor)
    SELECT id, what, NEW.name, (moment AT TIME ZONE time_zone)::date, moment, who
    FROM organizations WHERE id = NEW.organization_id;
    INSERT INTO audit_entries (organization_id, at, actor, action, reason, details)
    VALUES (
        NEW.organization_id, moment, who, what, NEW.name || ': ' || why,
        jsonb_strip_nulls(jsonb_build_object(
            'matter', NEW.name, 'condition', NEW.condition, 'condition_before', was
        ))
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER note_matter AFTER INSERT OR UPDATE ON matters
FOR EACH ROW EXECUTE FUNCTION note_matter();

-- Tasks open, change and close matters, hold and release; they rewrite nothing else of either.
GRANT INSERT ON matters, matter_documents TO doclife_worker;
GRANT UPDATE (condition, changed_by, changed_at, released_by, released_at, release_reason)
ON matters TO doclife_worker;
GRANT UPDATE (
    basis, added_by, added_at, released_by, released_at, release_reason, too_late_since
) ON matter_documents TO doclife_worker;
