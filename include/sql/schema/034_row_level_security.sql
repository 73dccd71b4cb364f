-- Row-level security, on every table. Whoever owns the schema is not asked (migrations, and the functions
-- that run as their owner, which ask the session themselves). docs/tenants.md says who sees what.

-- Encloses one table: tasks work for every organization, which each of their statements names, and keep
-- their indexes; readers see the rows of their organizations. For applications, which may read few tables,
-- each has policies of its own. Migrations that make a table call it; a second call replaces.
--   condition  which rows a reader sees, where the table does not carry its organization itself
CREATE FUNCTION enclose_table(
    enclosed regclass,
    condition text DEFAULT 'organization_id = ANY((SELECT reader_organizations())::bigint [])'
) RETURNS void
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', enclosed);
    EXECUTE format('DROP POLICY IF EXISTS tasks_work_for_every_organization ON %s', enclosed);
    EXECUTE format(
        'CREATE POLICY tasks_work_for_every_organization ON %s TO doclife_worker USING (true) WITH CHECK (true)',
        enclosed
    );
    EXECUTE format('DROP POLICY IF EXISTS readers_see_their_organizations ON %s', enclosed);
    EXECUTE format(
        'CREATE POLICY readers_see_their_organizations ON %s FOR SELECT TO doclife_reader USING (%s)',
        enclosed, condition
    );
END
$$;

-- Tables that carry their organization.
SELECT enclose_table(enclosed.oid)
FROM pg_class AS enclosed
INNER JOIN pg_attribute AS carried ON enclosed.oid = carried.attrelid
WHERE
    enclosed.relnamespace = 'doclife'::regnamespace
    AND enclosed.relkind IN ('r', 'p')
    AND NOT enclosed.relispartition
    AND carried.attname = 'organization_id';

SELECT enclose_table('organizations', 'id = ANY((SELECT reader_organizations())::bigint [])');

-- Stores that belong to nobody are everybody's; bytes that nobody refers to are nobody's.
SELECT enclose_table(
    'stores', 'organization_id IS NULL OR organization_id = ANY((SELECT reader_organizations())::bigint [])'
);
SELECT enclose_table(
    'stored_objects',
    'organization_id = ANY((SELECT reader_organizations())::bigint [])'
    ' OR (organization_id IS NULL AND (SELECT bound_organizations()) IS NULL)'
);

-- Parts of something that carries its organization, and is enclosed itself.
SELECT enclose_table('rule_versions', 'rule_id IN (SELECT rule.id FROM rules AS rule)');
SELECT enclose_table('keepings', 'rule_id IN (SELECT rule.id FROM rules AS rule)');
SELECT enclose_table(part, 'plan_id IN (SELECT plan.id FROM plans AS plan)')
FROM unnest(
    ARRAY['plan_items', 'plan_shards', 'plan_decisions', 'plan_reviews']::regclass []
) AS part;
SELECT enclose_table('matter_documents', 'matter_id IN (SELECT matter.id FROM matters AS matter)');
SELECT enclose_table(
    'webhook_subscriptions', 'endpoint_id IN (SELECT endpoint.id FROM webhook_endpoints AS endpoint)'
);
SELECT enclose_table(
    'event_reactions', 'rule_version_id IN (SELECT version.id FROM rule_versions AS version)'
);
SELECT enclose_table(part, 'EXISTS (SELECT FROM documents AS document WHERE document.id = document_id)')
FROM unnest(ARRAY['heard_events', 'restore_requests']::regclass []) AS part;

-- Whether all is halted, and with which key was signed, is seen by everybody; everything else that concerns
-- all organizations at once by readers that none binds.
SELECT enclose_table(whole, 'true')
FROM unnest(ARRAY['deployment', 'switches', 'schema_migrations', 'signing_keys']::regclass []) AS whole;
-- All of it but tombstone_salt, with which names of destroyed documents can be tried: a later migration that adds a
-- column grants it.
REVOKE SELECT ON deployment FROM doclife_reader;
GRANT SELECT (
    singleton, deployment_id, cluster_identity, adopted_by, adopted_at, approvals_by_tasks_only,
    max_documents_per_day, max_fraction_per_day, updated_at
) ON deployment TO doclife_reader;
SELECT enclose_table('organization_logins', '(SELECT bound_organizations()) IS NULL');
SELECT enclose_table(whole.oid, '(SELECT bound_organizations()) IS NULL')
FROM pg_class AS whole
WHERE
    whole.relnamespace = 'doclife'::regnamespace
    AND whole.relkind IN ('r', 'p')
    AND NOT whole.relispartition
    AND NOT whole.relrowsecurity;

-- Applications: their organizations' rows, and of no other table any.
CREATE POLICY applications_see_their_organizations ON organizations
FOR SELECT TO doclife_application USING (id = ANY((SELECT application_organizations())::bigint []));
CREATE POLICY applications_see_their_organizations ON metadata_fields
FOR SELECT TO doclife_application
USING (organization_id = ANY((SELECT application_organizations())::bigint []));
CREATE POLICY applications_see_their_organizations ON stores
FOR SELECT TO doclife_application
USING (
    organization_id = ANY((SELECT application_organizations())::bigint [])
    OR (
        organization_id IS NULL
        AND EXISTS (SELECT FROM organizations AS organization WHERE organization.slug = 'default')
    )
);
CREATE POLICY applications_see_their_organizations ON stored_objects
FOR SELECT TO doclife_application
USING (organization_id = ANY((SELECT application_organizations())::bigint []));
CREATE POLICY applications_register_for_their_organizations ON stored_objects
FOR INSERT TO doclife_application
WITH CHECK (organization_id = ANY((SELECT application_organizations())::bigint []));
CREATE POLICY applications_write_for_their_organizations ON documents
TO doclife_application
USING (organization_id = ANY((SELECT application_organizations())::bigint []))
WITH CHECK (organization_id = ANY((SELECT application_organizations())::bigint []));

-- What the views of the opt-in compatibility file show of their own queue to applications: they ask with
-- the rights of whoever reads them.
GRANT SELECT (
    id, organization_id, kind, payload, priority, attempts, max_attempts, last_error, run_at, created_at
) ON jobs TO doclife_application;
GRANT SELECT (
    id, organization_id, kind, payload, priority, attempts, max_attempts, last_error, created_at, state,
    finished_at
) ON jobs_failed TO doclife_application;
GRANT SELECT (id, organization_id, kind, attempts, created_at, finished_at)
ON job_history TO doclife_application;
GRANT SELECT ON job_counts TO doclife_application;
GRANT SELECT (
    id, organization_id, name, cron, time_zone, kind, payload, is_active, last_run_at, next_run_at,
    last_state, created_at, rule_id
) ON scheduled_jobs TO doclife_application;
DO $$
DECLARE
    shown text;
BEGIN
    FOREACH shown IN ARRAY ARRAY['jobs', 'jobs_failed', 'job_history', 'job_counts', 'scheduled_jobs']
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE POLICY applications_see_their_organizations ON %I FOR SELECT TO doclife_application '
            'USING (organization_id = ANY((SELECT application_organizations())::bigint []))',
            shown
        );
    END LOOP;
END
$$;

-- A partition is read through its table. By its own name nobody reads it: there the table's policies are
-- not asked.
CREATE FUNCTION close_partition(closed regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', closed);
    EXECUTE format('REVOKE ALL ON %s FROM doclife_worker, doclife_reader, doclife_application', closed);
END
$$;
SELECT close_partition(part.oid)
FROM pg_class AS part
WHERE part.relnamespace = 'doclife'::regnamespace AND part.relkind = 'r' AND part.relispartition;

-- As before, and closed.
CREATE OR REPLACE FUNCTION make_history_partition(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    partition_name text := parent || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF parent NOT IN ('job_history', 'delivery_attempts') THEN
        RAISE EXCEPTION '% has no daily partitions', quote_literal(parent);
    END IF;
    IF to_regclass('doclife.' || partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    BEGIN
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            partition_name, parent, day::timestamptz, (day + 1)::timestamptz
        );
        PERFORM close_partition(partition_name::regclass);
    EXCEPTION
        -- The default partition already has rows of that day (a cleanup was late): they stay there.
        WHEN check_violation THEN RETURN false;
    END;
    RETURN true;
END
$$;

-- Views of the opt-in compatibility file that are there already: with the rights of who reads them from
-- now on. `doclife compatibility SCHEMA`, run again, brings them and their functions up to date.
DO $$
DECLARE
    known record;
BEGIN
    FOR known IN
        SELECT DISTINCT view.oid::regclass AS name, space.nspname AS place
        FROM pg_depend AS uses
        INNER JOIN pg_rewrite AS rule ON uses.classid = 'pg_rewrite'::regclass AND uses.objid = rule.oid
        INNER JOIN pg_class AS view ON rule.ev_class = view.oid AND view.relkind = 'v'
        INNER JOIN pg_namespace AS space ON view.relnamespace = space.oid
        INNER JOIN pg_class AS read ON uses.refclassid = 'pg_class'::regclass AND uses.refobjid = read.oid
        WHERE
            read.relnamespace = 'doclife'::regnamespace
            AND view.relname IN ('queue_jobs', 'scheduled_jobs', 'queue_stats')
    LOOP
        BEGIN
            -- They are whose who put them there, mostly whoever migrates.
            SET LOCAL ROLE NONE;
            EXECUTE pg_catalog.format('ALTER VIEW %s SET (security_invoker = true)', known.name);
            IF to_regprocedure(pg_catalog.format('%I.get_pending_jobs(integer)', known.place)) IS NOT NULL
            THEN
                EXECUTE pg_catalog.format(
                    'REVOKE EXECUTE ON FUNCTION %1$I.count_jobs_by_state(), '
                    '%1$I.get_pending_jobs(integer) FROM doclife_application',
                    known.place
                );
            END IF;
            SET LOCAL ROLE doclife_owner;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE WARNING 'view % still shows the jobs of every organization: run '
                    'doclife compatibility % again', known.name, known.place;
        END;
    END LOOP;
END
$$;
