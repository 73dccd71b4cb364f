-- Tables with rows of organizations that no policy encloses: row-level security was switched off, or
-- never on.
-- Returns name, has_policies.
SELECT
    relation.relname::text AS name,
    EXISTS(SELECT FROM pg_policy AS policy WHERE policy.polrelid = relation.oid) AS has_policies
FROM pg_class AS relation
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND relation.relkind IN ('r', 'p')
    AND NOT relation.relispartition
    AND NOT relation.relrowsecurity
    AND (
        EXISTS (
            SELECT FROM pg_attribute AS field
            WHERE
                field.attrelid = relation.oid
                AND field.attname = 'organization_id'
                AND NOT field.attisdropped
        )
        OR EXISTS (SELECT FROM pg_policy AS policy WHERE policy.polrelid = relation.oid)
    )
ORDER BY relation.relname;
