-- What holds whoever writes: the worker, an application, or a person with psql.

-- A document moves along the arrows of docs/lifecycle.md only, never into the trash or further
-- while it is held, and towards destruction only as an item of a plan that is being applied.
-- An item moves its document once: one that was restored while its plan is still being applied is
-- not taken again by what is done already.
CREATE FUNCTION guard_document_status() RETURNS trigger
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
CREATE TRIGGER guard_document_status BEFORE UPDATE OF status ON documents
FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION guard_document_status();

CREATE TRIGGER documents_are_never_removed BEFORE DELETE OR TRUNCATE ON documents
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_document_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON documents
FOR EACH ROW EXECUTE FUNCTION keep_document_updated_at();

-- Remembers per field when it last changed (the cooling-off belt) and, for dates that moved
-- earlier or were emptied, what they were (an anchor never shortens retention by itself).
CREATE FUNCTION note_field_changes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
DECLARE
    before_ jsonb;
    after_ jsonb;
    field text;
    was date;
    became date;
BEGIN
    IF NEW.status = 'purged' THEN
        -- A tombstone keeps nothing of what the document said.
        NEW.field_changed_at := '{}';
        NEW.anchor_floors := '{}';
        RETURN NEW;
    END IF;
    before_ := jsonb_strip_nulls(jsonb_build_object(
        'title', OLD.title, 'document_type', OLD.document_type, 'owner', OLD.owner,
        'tags', to_jsonb(OLD.tags), 'media_type', OLD.media_type, 'size_bytes', OLD.size_bytes,
        'created_on', OLD.created_on, 'modified_on', OLD.modified_on,
        'last_accessed_on', OLD.last_accessed_on, 'expires_on', OLD.expires_on,
        'external_id', OLD.external_id
    )) || coalesce(
        (SELECT jsonb_object_agg('metadata.' || key, value) FROM jsonb_each(OLD.metadata)), '{}'
    );
    after_ := jsonb_strip_nulls(jsonb_build_object(
        'title', NEW.title, 'document_type', NEW.document_type, 'owner', NEW.owner,
        'tags', to_jsonb(NEW.tags), 'media_type', NEW.media_type, 'size_bytes', NEW.size_bytes,
        'created_on', NEW.created_on, 'modified_on', NEW.modified_on,
        'last_accessed_on', NEW.last_accessed_on, 'expires_on', NEW.expires_on,
        'external_id', NEW.external_id
    )) || coalesce(
        (SELECT jsonb_object_agg('metadata.' || key, value) FROM jsonb_each(NEW.metadata)), '{}'
    );
    IF before_ = after_ THEN
        RETURN NEW;
    END IF;
    NEW.version := OLD.version + 1;
    FOR field IN
        SELECT key FROM jsonb_object_keys(before_ || after_) AS key
        WHERE before_ -> key IS DISTINCT FROM after_ -> key
    LOOP
        NEW.field_changed_at := NEW.field_changed_at || jsonb_build_object(field, now());
        IF field LIKE '%\_on' OR field LIKE 'metadata.%' THEN
            was := metadata_date(before_, field);
            became := metadata_date(after_, field);
            IF was IS NOT NULL AND (became IS NULL OR became < was) THEN
                -- A later date makes the earlier ones that were given up before it pointless.
                NEW.anchor_floors := NEW.anchor_floors || jsonb_build_object(
                    field,
                    coalesce(
                        (
                            SELECT jsonb_agg(given_up)
                            FROM jsonb_array_elements(OLD.anchor_floors -> field) AS given_up
                            WHERE (given_up ->> 'on')::date > was
                        ),
                        '[]'
                    ) || jsonb_build_array(jsonb_build_object('on', was, 'at', now()))
                );
            END IF;
        END IF;
    END LOOP;
    -- A new expiry date is judged anew.
    IF NEW.expires_on IS DISTINCT FROM OLD.expires_on THEN
        NEW.expired_at := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER note_field_changes
BEFORE UPDATE OF title, document_type, owner, tags, media_type, size_bytes, created_on, modified_on,
last_accessed_on, expires_on, metadata, external_id, status ON documents
FOR EACH ROW
WHEN (
    new.status = 'purged' OR (
        new.title, new.document_type, new.owner, new.tags, new.media_type, new.size_bytes,
        new.created_on, new.modified_on, new.last_accessed_on, new.expires_on, new.metadata,
        new.external_id
    ) IS DISTINCT FROM (
        old.title, old.document_type, old.owner, old.tags, old.media_type, old.size_bytes,
        old.created_on, old.modified_on, old.last_accessed_on, old.expires_on, old.metadata,
        old.external_id
    )
)
EXECUTE FUNCTION note_field_changes();

-- The expiry watermark has passed these: the next run looks at them again.
CREATE FUNCTION check_registered_documents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    -- Held until this transaction ends: a check that begins meanwhile waits for it, and one that
    -- has begun is seen here. Either way nobody falls between the two.
    PERFORM FROM expiry_watermarks AS watermark
    WHERE watermark.organization_id IN (SELECT registered.organization_id FROM registered)
    FOR KEY SHARE;
    INSERT INTO documents_to_check (document_id, organization_id)
    SELECT registered.id, registered.organization_id
    FROM registered
    INNER JOIN expiry_watermarks AS watermark
        ON registered.organization_id = watermark.organization_id
    WHERE registered.expires_on <= watermark.queue_through AND registered.expired_at IS NULL
    ON CONFLICT (document_id) DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_registered_documents AFTER INSERT ON documents
REFERENCING NEW TABLE AS registered
FOR EACH STATEMENT EXECUTE FUNCTION check_registered_documents();

CREATE FUNCTION check_document_again() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    INSERT INTO documents_to_check (document_id, organization_id)
    VALUES (NEW.id, NEW.organization_id)
    ON CONFLICT (document_id) DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_document_again AFTER UPDATE OF expires_on, hold_count, status ON documents
FOR EACH ROW
WHEN (
    new.expires_on IS NOT NULL AND new.expired_at IS NULL
    AND (
        new.expires_on IS DISTINCT FROM old.expires_on
        OR (new.hold_count = 0 AND old.hold_count > 0)
        OR (new.status = 'active' AND old.status = 'deleted')
        OR (new.status = 'archived' AND old.status = 'deleted')
    )
)
EXECUTE FUNCTION check_document_again();

-- How many documents point at a stored object, counted by the database.
CREATE FUNCTION count_references_of_registered_documents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    UPDATE stored_objects AS object
    SET reference_count = object.reference_count + new_references.count
    FROM (
        SELECT object_id, count(*) AS count
        FROM (
            SELECT stored_object_id AS object_id FROM registered
            UNION ALL
            SELECT archived_object_id FROM registered
        ) AS pointed_at
        WHERE object_id IS NOT NULL
        GROUP BY object_id
    ) AS new_references
    WHERE object.id = new_references.object_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_references_of_registered_documents AFTER INSERT ON documents
REFERENCING NEW TABLE AS registered
FOR EACH STATEMENT EXECUTE FUNCTION count_references_of_registered_documents();

CREATE FUNCTION count_references_of_changed_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    UPDATE stored_objects AS object
    SET reference_count = object.reference_count + change.by
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
CREATE TRIGGER count_references_of_changed_document
AFTER UPDATE OF stored_object_id, archived_object_id ON documents
FOR EACH ROW
WHEN (
    (new.stored_object_id, new.archived_object_id)
    IS DISTINCT FROM (old.stored_object_id, old.archived_object_id)
)
EXECUTE FUNCTION count_references_of_changed_document();

-- Bytes that are being destroyed take no new reference: whoever registers a document over them
-- meanwhile is told, instead of being left with a document without bytes.
CREATE FUNCTION guard_references() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the bytes at % are being destroyed since %', NEW.uri, NEW.removing_since
        USING ERRCODE = 'check_violation',
        CONSTRAINT = 'bytes_being_destroyed_take_no_reference';
END
$$;
CREATE TRIGGER guard_references BEFORE UPDATE OF reference_count ON stored_objects
FOR EACH ROW
WHEN (new.removing_since IS NOT NULL AND new.reference_count > old.reference_count)
EXECUTE FUNCTION guard_references();

-- Bytes are registered where they lie: within their store, and in a bag only as that bag's payload.
CREATE FUNCTION guard_place_of_bytes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM stores
        WHERE id = NEW.store_id AND starts_with(NEW.uri, root_uri || '/')
    ) THEN
        RAISE EXCEPTION '% does not lie in its store', NEW.uri
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bytes_lie_in_their_store';
    END IF;
    IF
        NEW.bag_id IS NULL
        AND EXISTS (
            SELECT FROM archive_bags
            WHERE uri = substring(NEW.uri FROM '^(.*/bag-[0-9]+)/') AND state <> 'removed'
        )
    THEN
        RAISE EXCEPTION '% lies in an archive bag', NEW.uri
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payloads_belong_to_their_bag';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_place_of_bytes BEFORE INSERT OR UPDATE OF uri, store_id, bag_id ON stored_objects
FOR EACH ROW EXECUTE FUNCTION guard_place_of_bytes();

-- A plan moves along its own arrows, and starts being applied only when nothing speaks against it.
-- "approved" always takes an approval, also where no stage was asked for.
CREATE FUNCTION guard_plan_state() RETURNS trigger
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
    IF NEW.state IN ('approved', 'applying') THEN
        -- What a rule wants reviewed is reviewed, whatever its plan says; what destroys nothing is not.
        needed_stages := greatest(needed_stages, (
            SELECT coalesce(jsonb_array_length(version.definition -> 'review' -> 'stages'), 1)
            FROM rule_versions AS version
            WHERE
                version.id = NEW.rule_version_id
                AND jsonb_typeof(version.definition -> 'review') = 'object'
                AND EXISTS (SELECT FROM plan_items WHERE plan_id = NEW.id AND is_reserving)
        ));
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
                    AND refusal.decision <> 'approve' AND refusal.is_valid
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
CREATE TRIGGER guard_plan_state BEFORE UPDATE OF state ON plans
FOR EACH ROW WHEN (old.state IS DISTINCT FROM new.state) EXECUTE FUNCTION guard_plan_state();

-- What was asked for, by whom and with which limits does not change after the fact; approvals
-- once needed stay needed.
CREATE FUNCTION guard_plan_facts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF
        (NEW.organization_id, NEW.kind, NEW.rule_version_id, NEW.dag_id, NEW.run_id, NEW.mode, NEW.as_of,
        NEW.created_at, NEW.requested_by, NEW.selection_key, NEW.options)
        IS DISTINCT FROM
        (OLD.organization_id, OLD.kind, OLD.rule_version_id, OLD.dag_id, OLD.run_id, OLD.mode, OLD.as_of,
        OLD.created_at, OLD.requested_by, OLD.selection_key, OLD.options)
        OR NEW.required_stages < OLD.required_stages
    THEN
        RAISE EXCEPTION 'what plan % was made from cannot change', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'the_facts_of_a_plan_are_fixed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_plan_facts BEFORE UPDATE ON plans
FOR EACH ROW EXECUTE FUNCTION guard_plan_facts();

GRANT EXECUTE ON FUNCTION guard_document_status(), keep_document_updated_at(), note_field_changes(),
guard_plan_state(), guard_plan_facts() TO doclife_worker, doclife_application;
