-- Let a drill approve in its own scratch database, as Airflow does elsewhere. In no other database does it
-- change anything.
UPDATE deployment
SET approvals_by_tasks_only = FALSE
WHERE approvals_by_tasks_only AND starts_with(current_database(), 'doclife_drill_');
