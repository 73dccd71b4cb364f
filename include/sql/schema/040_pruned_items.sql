-- What plans did not do is forgotten in its time: a rule that only simulates stores what it would do
-- every night, and each night's plan says again of what is held or retained that it is.

-- Since when the list of a plan has only what stays: what was done, failed or undone, and what must be
-- shown later. Its counts stay.
ALTER TABLE plans ADD COLUMN items_pruned_at timestamptz;
CREATE INDEX plans_to_prune ON plans (created_at) WHERE items_pruned_at IS NULL;

-- A certificate has signed which documents its plan did not destroy, and a person whose erasure was
-- refused may ask why: the lists of such plans stay whole.
CREATE FUNCTION list_is_evidence(plan plans) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    SELECT
        list_is_evidence.plan.kind = 'erasure'
        OR coalesce(starts_with(list_is_evidence.plan.selection_key, 'purge of erasure '), FALSE)
        OR EXISTS (
            SELECT FROM certificate_items AS destroyed WHERE destroyed.plan_id = list_is_evidence.plan.id
        )
$$;

-- What was done is history and never removed; nor is what may still be done, nor what somebody decided about
-- a single document (purging that one finds their comment by it), nor anything young.
DROP TRIGGER items_are_never_removed ON plan_items;
CREATE TRIGGER items_are_never_truncated BEFORE TRUNCATE ON plan_items
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_removed_items() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT
        FROM removed AS item
        INNER JOIN plans AS plan ON plan.id = item.plan_id
        WHERE
            item.state NOT IN ('planned', 'skipped')
            OR plan.created_at > now() - interval '7 days'
            OR (plan.mode = 'enforce' AND plan.state IN ('planned', 'needs_approval', 'approved', 'applying'))
            OR EXISTS (
                SELECT FROM plan_decisions AS decision
                WHERE decision.plan_id = item.plan_id AND decision.document_id = item.document_id
            )
    )
    OR EXISTS (
        SELECT
        FROM plans AS plan
        WHERE plan.id IN (SELECT item.plan_id FROM removed AS item) AND list_is_evidence(plan)
    )
    THEN
        RAISE EXCEPTION 'delete of plan_items is refused: what was done, or may be, is kept'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_removed_items AFTER DELETE ON plan_items
REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION guard_removed_items();

-- Removes some of what one plan did not do, unless that is evidence: of a plan that never acted (it only simulated, was
-- superseded or lapsed) and was made before one moment, or what another skipped that was made before
-- the other. Returns how many rows went; NULL when there is no such plan any more.
CREATE FUNCTION prune_plan_items(idle_before timestamptz, skipped_before timestamptz, most bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    pruned plans;
    gone bigint := 0;
BEGIN
    SELECT plan.* INTO pruned
    FROM plans AS plan
    WHERE
        plan.items_pruned_at IS NULL
        AND (
            (
                plan.created_at < prune_plan_items.idle_before
                AND (plan.mode = 'simulate' OR plan.state IN ('superseded', 'lapsed'))
            )
            OR (
                plan.created_at < prune_plan_items.skipped_before
                AND plan.state IN ('applied', 'undone', 'rejected')
            )
        )
    ORDER BY plan.created_at
    LIMIT 1
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF NOT list_is_evidence(pruned) THEN
        DELETE FROM plan_items
        WHERE ctid = ANY(ARRAY(
            SELECT item.ctid FROM plan_items AS item
            WHERE
                item.plan_id = pruned.id
                AND item.state IN ('planned', 'skipped')
                AND NOT EXISTS (
                    SELECT FROM plan_decisions AS decision
                    WHERE decision.plan_id = item.plan_id AND decision.document_id = item.document_id
                )
            LIMIT prune_plan_items.most
        ));
        GET DIAGNOSTICS gone = ROW_COUNT;
    END IF;
    IF gone < prune_plan_items.most THEN
        UPDATE plans SET items_pruned_at = now() WHERE id = pruned.id;
    END IF;
    RETURN gone;
END
$$;
GRANT EXECUTE ON FUNCTION prune_plan_items(timestamptz, timestamptz, bigint), guard_removed_items(),
list_is_evidence(plans) TO doclife_worker;

-- What people were shown goes too; what nobody has read, later.
GRANT DELETE ON notifications TO doclife_worker;
