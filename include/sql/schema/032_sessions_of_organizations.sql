-- Whose a session is: which organizations the login of an application or an officer stands for. Row-level
-- security (the next migration) and the functions that applications call ask here and nowhere else.
-- docs/tenants.md says how to bind a login, and what each way protects from.

-- The strong way: an administrator says for whom a login stands. Nothing that a session can set widens it.
CREATE TABLE organization_logins (
    -- As it logs in (session_user), whatever role it takes on afterwards.
    login text NOT NULL,
    -- NULL: the organizations of the person whom the claims of a request name (PostgREST, Supabase).
    organization_id bigint REFERENCES organizations,
    bound_by text NOT NULL,
    bound_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_login_is_bound_once_to_an_organization
    UNIQUE NULLS NOT DISTINCT (login, organization_id)
);

-- A path that does not name pg_temp searches it first for tables and types, and whoever calls can put a type
-- there whose check runs as the owner. Every path of ours ends in it; these are of earlier migrations.
DO $$
BEGIN
    ALTER FUNCTION cluster_identity() SET search_path = pg_catalog, pg_temp;
    ALTER FUNCTION is_same_person(text, text) SET search_path = pg_catalog, pg_temp;
    ALTER FUNCTION guard_registration() SET search_path = pg_catalog, pg_temp;
END
$$;

-- Who asks, where one login asks for many people: what auth.uid() of Supabase reads as well.
CREATE FUNCTION session_person() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )
$$;

-- The organizations that this session is bound to; NULL when nobody and nothing binds it. The setting
-- doclife.organization (a short name) chooses among those of a bound login and never adds one. A login
-- that nobody bound may choose any by it: that saves it from its own mistakes, and from nobody else.
CREATE FUNCTION bound_organizations() RETURNS bigint []
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    chosen text := nullif(current_setting('doclife.organization', true), '');
    is_bound boolean;
    own bigint [];
BEGIN
    SELECT
        count(*) > 0,
        coalesce(array_agg(bound.organization_id) FILTER (WHERE bound.organization_id IS NOT NULL), '{}')
        || CASE
            WHEN bool_or(bound.organization_id IS NULL) THEN ARRAY(
                SELECT member.organization_id
                FROM organization_members AS member
                WHERE member.user_name = session_person()
            )
        END
    INTO is_bound, own
    FROM organization_logins AS bound
    WHERE bound.login = session_user;
    IF chosen IS NULL THEN
        RETURN CASE WHEN is_bound THEN own END;
    END IF;
    RETURN ARRAY(
        SELECT organization.id
        FROM organizations AS organization
        WHERE organization.slug = chosen AND (NOT is_bound OR organization.id = ANY(own))
    );
END
$$;

-- What an officer or a monitoring login sees: all, unless it is bound.
CREATE FUNCTION reader_organizations() RETURNS bigint []
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
    SELECT coalesce(bound_organizations(), ARRAY(SELECT organization.id FROM organizations AS organization))
$$;

-- What an application sees and writes: one that nobody bound is the first organization's.
CREATE FUNCTION application_organizations() RETURNS bigint []
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
    SELECT coalesce(
        bound_organizations(),
        ARRAY(SELECT organization.id FROM organizations AS organization WHERE organization.slug = 'default')
    )
$$;

-- Whether a session is doclife's own: its tasks, pages and commands, which work for every organization. Row
-- triggers ask it: names of their schema instead of a path of its own let PostgreSQL inline it. Nothing in it is
-- looked up by the caller's path: OR is no operator, session_user no function, and the names of roles take
-- their type from pg_catalog's own functions of that name.
CREATE FUNCTION is_doclife_session() RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT
        pg_catalog.pg_has_role(session_user, 'doclife_worker', 'MEMBER')
        OR pg_catalog.pg_has_role(session_user, 'doclife_owner', 'MEMBER')
$$;

-- Whose rows a session may see, where no policy is asked.
CREATE FUNCTION session_organizations() RETURNS bigint []
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
    SELECT
        CASE
            WHEN is_doclife_session()
                THEN ARRAY(SELECT organization.id FROM organizations AS organization)
            WHEN pg_has_role(session_user, 'doclife_reader', 'MEMBER') THEN reader_organizations()
            ELSE application_organizations()
        END
$$;

-- What the functions of applications call an organization. The session decides: a name only chooses among
-- the session's own, and "default" is the only one of a session that has no other. What is somebody
-- else's is refused in the same words as what does not exist.
CREATE OR REPLACE FUNCTION organization_id_of(slug_given text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    own bigint [];
    found bigint;
BEGIN
    IF is_doclife_session() THEN
        SELECT id INTO found FROM organizations WHERE slug = slug_given;
    ELSE
        own := application_organizations();
        SELECT id INTO found FROM organizations WHERE slug = slug_given AND id = ANY(own);
        IF found IS NULL AND slug_given = 'default' AND cardinality(own) = 1 THEN
            found := own[1];
        END IF;
    END IF;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no organization %', quote_literal(slug_given)
            USING HINT = 'This login stands for: ' || coalesce(
                (
                    SELECT string_agg(quote_literal(slug), ', ' ORDER BY slug) FROM organizations
                    WHERE own IS NULL OR id = ANY(own)
                ),
                'none'
            ) || '. An administrator binds logins: doclife organizations bind.';
    END IF;
    RETURN found;
END
$$;

-- As before, and only in an organization of the session: one login may serve several.
CREATE OR REPLACE FUNCTION cancel_job(job_id bigint, reason text DEFAULT 'cancelled by its application')
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    WITH cancelled AS (
        DELETE FROM jobs AS job
        WHERE
            job.id = cancel_job.job_id
            AND (
                is_doclife_session()
                OR (
                    job.requested_by = 'application:' || session_user
                    AND job.organization_id = ANY(application_organizations())
                )
            )
            AND NOT EXISTS (
                SELECT FROM job_batches AS batch WHERE job.id = ANY(batch.job_ids)
            )
        RETURNING job.*
    )
    INSERT INTO jobs_failed (
        id, organization_id, kind, payload, priority, unique_key, attempts, max_attempts,
        timeout_seconds, last_error, requested_by, plan_id, endpoint_id, created_at, state
    )
    SELECT
        cancelled.id, cancelled.organization_id, cancelled.kind, cancelled.payload,
        cancelled.priority, cancelled.unique_key, cancelled.attempts, cancelled.max_attempts,
        cancelled.timeout_seconds, cancel_job.reason, cancelled.requested_by, cancelled.plan_id,
        cancelled.endpoint_id, cancelled.created_at, 'cancelled'
    FROM cancelled;
    RETURN FOUND;
END
$$;

-- Which jobs are being sent, as far as the session may know of them: for the views of applications, who
-- may not read who sends what.
CREATE FUNCTION jobs_under_way() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
    SELECT job.id
    FROM job_batches AS batch
    CROSS JOIN LATERAL unnest(batch.job_ids) AS leased (job_id)
    INNER JOIN jobs AS job ON leased.job_id = job.id
    WHERE job.organization_id = ANY((SELECT session_organizations())::bigint [])
$$;

-- As before; of a plan that the session may not see it says what it says of one that is not there.
CREATE OR REPLACE FUNCTION approval_obstacle(wanted_plan bigint, wanted_stage integer, approver text)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
    SELECT
        CASE
            WHEN approver !~ '^user:.' THEN approver || ' is no user of Airflow'
            WHEN is_same_person(version.author, approver)
                THEN approver || ' wrote this version of the rule'
            WHEN is_same_person(plan.requested_by, approver)
                THEN approver || ' asked for this plan'
            WHEN EXISTS (
                SELECT
                FROM plan_decisions AS earlier
                WHERE
                    earlier.plan_id = plan.id
                    AND earlier.document_id IS NULL
                    AND earlier.decision = 'approve'
                    AND earlier.is_valid
                    AND earlier.stage <> wanted_stage
                    AND is_same_person(earlier.decided_by, approver)
            ) THEN approver || ' approved another stage of this plan'
        END
    FROM plans AS plan
    LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
    WHERE plan.id = wanted_plan AND plan.organization_id = ANY(session_organizations())
$$;

GRANT EXECUTE ON FUNCTION session_person(), bound_organizations(), is_doclife_session(),
session_organizations(), jobs_under_way()
TO doclife_worker, doclife_reader, doclife_application;
GRANT EXECUTE ON FUNCTION reader_organizations() TO doclife_worker, doclife_reader;
GRANT EXECUTE ON FUNCTION application_organizations() TO doclife_worker, doclife_application;
