-- The schema and the group roles, which nobody logs in as. Roles belong to the whole server, so another database
-- of the same server may have made them already, even at this very moment.
--   doclife_owner        owns every object; migrations and SECURITY DEFINER functions run as it
--   doclife_worker       Airflow's tasks: plans and applies, cannot delete documents or audit rows
--   doclife_application  existing applications: register documents, enqueue jobs, emit events
--   doclife_reader       reads everything but secrets (there are none in rows)
--   doclife_destruction  added to an application role: may enqueue archive and delete jobs
--   doclife_clocks       added to an application role: may emit events that start a retention clock
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'doclife_owner', 'doclife_worker', 'doclife_application', 'doclife_reader',
        'doclife_destruction', 'doclife_clocks'
    ]
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by another database's migration between the look and the making
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role % is missing and % may not create roles', role_name, current_user
                    USING HINT = 'ALTER ROLE ' || current_user || ' CREATEROLE; or let an '
                        'administrator create the role (NOLOGIN), grant it to ' || current_user
                        || ' WITH ADMIN OPTION and migrate again.';
        END;
    END LOOP;
    -- The migrating user must be able to act as the owner.
    IF NOT pg_catalog.pg_has_role(current_user, 'doclife_owner', 'USAGE') THEN
        EXECUTE pg_catalog.format('GRANT doclife_owner TO %I', current_user);
    END IF;
END
$$;

ALTER SCHEMA doclife OWNER TO doclife_owner;
ALTER TABLE doclife.schema_migrations OWNER TO doclife_owner;

GRANT USAGE ON SCHEMA doclife TO doclife_worker, doclife_application, doclife_reader;

-- What later migrations create is readable at once; writing is granted table by table.
ALTER DEFAULT PRIVILEGES FOR ROLE doclife_owner IN SCHEMA doclife
GRANT SELECT ON TABLES TO doclife_worker, doclife_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE doclife_owner IN SCHEMA doclife
REVOKE EXECUTE ON FUNCTIONS FROM public;
ALTER DEFAULT PRIVILEGES FOR ROLE doclife_owner
REVOKE EXECUTE ON FUNCTIONS FROM public;
