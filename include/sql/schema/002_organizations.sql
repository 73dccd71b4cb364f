-- Tenants, the deployment's own identity and its switches.

CREATE TABLE organizations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL CONSTRAINT an_organization_slug_is_unique UNIQUE,
    name text NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    locale text NOT NULL DEFAULT 'en',
    -- Belts. No DELETE within this many days of registration or of a change to a
    -- field that the rule uses: one typo must not destroy.
    cooling_off_days integer NOT NULL DEFAULT 7,
    -- How long a restored or rejected document is left alone.
    reprieve_days integer NOT NULL DEFAULT 30,
    -- Breaker over a rolling 24 hours and all paths of this organization.
    max_documents_per_day integer NOT NULL DEFAULT 5000,
    max_fraction_per_day numeric(6, 5) NOT NULL DEFAULT 0.2,
    fallback_recipient text,
    logo_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_organization_slug_is_lower_case_words CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
    CONSTRAINT an_organization_has_a_known_time_zone
    CHECK (('2000-01-01 00:00:00+00'::timestamptz AT TIME ZONE time_zone) IS NOT NULL),
    CONSTRAINT cooling_off_is_not_negative CHECK (cooling_off_days >= 0),
    CONSTRAINT a_reprieve_is_not_negative CHECK (reprieve_days >= 0),
    CONSTRAINT a_daily_limit_is_positive CHECK (max_documents_per_day >= 1),
    CONSTRAINT a_daily_fraction_is_between_0_and_1
    CHECK (max_fraction_per_day > 0 AND max_fraction_per_day <= 1)
);

CREATE TABLE organization_members (
    organization_id bigint NOT NULL REFERENCES organizations,
    user_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_name)
);

-- Says which server, database and history this is. A dump restored elsewhere, a database made
-- from a template, or a point-in-time restore answers differently from what was adopted.
CREATE FUNCTION cluster_identity() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog
AS $$
    SELECT
        system.system_identifier::text || ':' || database.oid::text || ':'
        || checkpoint.timeline_id::text
    FROM pg_control_system() AS system
    CROSS JOIN pg_control_checkpoint() AS checkpoint
    CROSS JOIN pg_database AS database
    WHERE database.datname = current_database()
$$;

CREATE TABLE deployment (
    singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_deployment CHECK (singleton),
    -- Written into every store's marker: another deployment's store is read-only to us.
    deployment_id uuid NOT NULL DEFAULT gen_random_uuid(),
    cluster_identity text NOT NULL DEFAULT cluster_identity(),
    adopted_by text NOT NULL,
    adopted_at timestamptz NOT NULL DEFAULT now(),
    -- Approvals come from Airflow's tasks alone: on where these log in as a role of their own.
    approvals_by_tasks_only boolean NOT NULL DEFAULT false,
    -- Breaker over a rolling 24 hours, every organization and path together.
    max_documents_per_day integer NOT NULL DEFAULT 20000,
    max_fraction_per_day numeric(6, 5) NOT NULL DEFAULT 0.2,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_global_limit_is_positive CHECK (max_documents_per_day >= 1),
    CONSTRAINT a_global_fraction_is_between_0_and_1
    CHECK (max_fraction_per_day > 0 AND max_fraction_per_day <= 1)
);

CREATE TABLE switches (
    name text PRIMARY KEY,
    is_on boolean NOT NULL DEFAULT false,
    reason text,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_switch_has_a_known_name CHECK (name IN ('halt')),
    CONSTRAINT a_switch_that_is_on_has_a_reason CHECK (NOT is_on OR reason IS NOT NULL)
);

-- Why nothing may be applied, purged or delivered now; NULL when all is well.
CREATE FUNCTION halt_reason() RETURNS text
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    SELECT
        CASE
            WHEN switches.is_on THEN 'halted by ' || switches.set_by || ': ' || switches.reason
            WHEN deployment.cluster_identity <> cluster_identity()
                THEN 'this database is a copy or was restored; run: doclife adopt'
        END
    FROM deployment
    LEFT JOIN switches ON switches.name = 'halt'
$$;

CREATE FUNCTION keep_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_updated_at BEFORE UPDATE ON organizations
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON deployment
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

INSERT INTO organizations (slug, name) VALUES ('default', 'Default organization');
INSERT INTO deployment (adopted_by) VALUES ('migration');
INSERT INTO switches (name, set_by) VALUES ('halt', 'migration');

-- Limits, cooling-off and adoption are the owner's to set: a task cannot widen its own limits.
GRANT UPDATE ON switches TO doclife_worker;
GRANT EXECUTE ON FUNCTION cluster_identity(), halt_reason()
TO doclife_worker, doclife_application, doclife_reader;
GRANT EXECUTE ON FUNCTION keep_updated_at() TO doclife_worker, doclife_application;
