-- Reviews: who was asked about which plan, what they answered, and whose approval counts.

-- One question to a person: one run of the DAG review_plan. An answer that does not count is asked
-- for again, as the next attempt.
CREATE TABLE plan_reviews (
    plan_id bigint NOT NULL REFERENCES plans,
    stage integer NOT NULL,
    attempt integer NOT NULL,
    dag_id text NOT NULL,
    run_id text NOT NULL,
    asked_at timestamptz NOT NULL,
    -- Without an answer by then, the plan is rejected.
    answer_due_at timestamptz NOT NULL,
    -- As given in Airflow; NULL for whoever answered means that the time ran out.
    answer text,
    form jsonb NOT NULL DEFAULT '{}',
    answered_by text,
    answered_at timestamptz,
    ended_at timestamptz,
    outcome text,
    PRIMARY KEY (plan_id, stage, attempt),
    CONSTRAINT a_review_has_a_stage_and_an_attempt CHECK (stage >= 1 AND attempt >= 0),
    CONSTRAINT an_answer_is_known CHECK (answer IN ('approve', 'reject', 'extend', 'hold')),
    CONSTRAINT an_answer_says_when CHECK ((answer IS NULL) = (answered_at IS NULL)),
    CONSTRAINT an_ended_review_has_an_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT an_outcome_of_a_review_is_known
    CHECK (outcome IN ('approved', 'rejected', 'extended', 'held', 'invalid', 'closed'))
);
CREATE INDEX plan_reviews_that_wait ON plan_reviews (plan_id) WHERE ended_at IS NULL;

-- Whether two actors are one human being, however they came in: user:maria in Airflow is cli:maria
-- at the command line and maria@example.org in a commit. It errs on the side of saying so.
CREATE FUNCTION is_same_person(one text, other text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog
AS $$
    SELECT coalesce(bool_or(
        one_name = other_name
        OR (one_name LIKE '%@%') <> (other_name LIKE '%@%')
        AND split_part(one_name, '@', 1) = split_part(other_name, '@', 1)
    ), false)
    FROM
        (SELECT lower(regexp_replace(one, '^[a-z]+:', '')) AS one_name) AS first,
        (SELECT lower(regexp_replace(other, '^[a-z]+:', '')) AS other_name) AS second
    WHERE one_name <> '' AND other_name <> ''
$$;

-- Why somebody may not approve a plan in this stage; NULL when they may (four eyes).
CREATE FUNCTION approval_obstacle(wanted_plan bigint, wanted_stage integer, approver text)
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
    WHERE plan.id = wanted_plan
$$;

-- An approval that counts is somebody else's, and where tasks have a role of their own it comes from
-- them: from an answer in Airflow, never from the command line. Whoever owns the schema could still
-- take this guard away; docs/review.md says what that means.
CREATE FUNCTION guard_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    obstacle text := approval_obstacle(NEW.plan_id, NEW.stage, NEW.decided_by);
BEGIN
    IF obstacle IS NOT NULL THEN
        RAISE EXCEPTION 'this approval of plan % does not count: %', NEW.plan_id, obstacle
            USING ERRCODE = 'check_violation', CONSTRAINT = 'four_eyes_see_more_than_two';
    END IF;
    IF
        (SELECT approvals_by_tasks_only FROM deployment)
        AND pg_has_role(session_user, 'doclife_owner', 'USAGE')
    THEN
        RAISE EXCEPTION 'plan % is approved in Airflow, not by the database user %',
            NEW.plan_id, session_user
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_come_from_airflow';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_approval BEFORE INSERT ON plan_decisions
FOR EACH ROW WHEN (new.decision = 'approve' AND new.is_valid)
EXECUTE FUNCTION guard_approval();

GRANT INSERT, UPDATE ON plan_reviews TO doclife_worker;
GRANT EXECUTE ON FUNCTION is_same_person(text, text), approval_obstacle(bigint, integer, text)
TO doclife_worker, doclife_reader;
