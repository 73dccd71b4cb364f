-- What becomes of plans and endpoints is told like what becomes of documents: the events come from
-- here, so that no change of state is without them, whoever made it.

-- Simulations and plans with nothing in them tell nothing.
CREATE FUNCTION note_plan_states() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    INSERT INTO events (
        organization_id, type, subject, payload, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        plan.organization_id,
        told.type,
        'plan-' || plan.id,
        jsonb_strip_nulls(jsonb_build_object(
            'plan_id', plan.id,
            'kind', plan.kind,
            'rule', rule.name || '@' || version.version,
            'documents', plan.document_count,
            'bytes', plan.total_bytes,
            'reason', CASE WHEN plan.state = 'needs_approval' THEN plan.approval_reason END,
            'limits', CASE WHEN told.type = 'breaker.tripped' THEN plan.breaker END
        )),
        (told.at AT TIME ZONE organization.time_zone)::date,
        told.at,
        CASE
            WHEN plan.state IN ('approved', 'rejected') THEN coalesce(decision.decided_by, 'schedule')
            WHEN plan.state = 'undone' THEN coalesce(plan.undone_by, 'schedule')
            WHEN plan.state = 'needs_approval' THEN plan.requested_by
            ELSE 'schedule'
        END,
        plan.id
    FROM plans_before AS was
    INNER JOIN plans_after AS plan ON was.id = plan.id
    INNER JOIN organizations AS organization ON plan.organization_id = organization.id
    LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
    LEFT JOIN rules AS rule ON version.rule_id = rule.id
    LEFT JOIN LATERAL (
        SELECT given.decided_by, given.decided_at
        FROM plan_decisions AS given
        WHERE given.plan_id = plan.id AND given.document_id IS NULL AND given.is_valid
        ORDER BY given.id DESC
        LIMIT 1
    ) AS decision ON true
    CROSS JOIN LATERAL (
        SELECT
            kind.type,
            coalesce(
                CASE plan.state
                    WHEN 'needs_approval' THEN plan.created_at
                    WHEN 'approved' THEN plan.approved_at
                    WHEN 'rejected' THEN decision.decided_at
                    WHEN 'applied' THEN plan.applied_at
                    WHEN 'undone' THEN plan.undone_at
                END,
                now()
            ) AS at
        FROM (
            SELECT 'plan.' || plan.state AS type
            UNION ALL
            SELECT 'breaker.tripped'
            WHERE plan.state = 'needs_approval' AND plan.breaker <> '[]'
        ) AS kind
    ) AS told
    WHERE
        was.state <> plan.state
        AND plan.mode = 'enforce'
        AND plan.state NOT IN ('planned', 'applying')
        -- Nobody was told of a plan that was superseded before anybody had to look at it.
        AND (plan.state <> 'superseded' OR was.state = 'needs_approval')
        AND (plan.state NOT IN ('applied', 'lapsed') OR plan.document_count > 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_plan_states AFTER UPDATE ON plans
REFERENCING OLD TABLE AS plans_before NEW TABLE AS plans_after
FOR EACH STATEMENT EXECUTE FUNCTION note_plan_states();

CREATE FUNCTION note_disabled_endpoint() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    INSERT INTO events (organization_id, type, subject, payload, occurred_on, actor)
    SELECT
        organization.id,
        'endpoint.disabled',
        NEW.name,
        jsonb_build_object('endpoint_id', NEW.id, 'reason', NEW.disabled_reason),
        (now() AT TIME ZONE organization.time_zone)::date,
        'event'
    FROM organizations AS organization
    WHERE organization.id = NEW.organization_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_disabled_endpoint AFTER UPDATE OF state ON webhook_endpoints
FOR EACH ROW WHEN (new.state = 'disabled' AND old.state <> 'disabled')
EXECUTE FUNCTION note_disabled_endpoint();

GRANT EXECUTE ON FUNCTION note_plan_states(), note_disabled_endpoint() TO doclife_worker;
