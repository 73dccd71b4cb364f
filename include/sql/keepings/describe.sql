-- What a "keep it" link is about, as it stands now.
--   rule_id, document_id  bigint
--   due_on                date    the day that the rule found the document due
-- Returns one row, or none when the rule or the document is not there: slug, rule_name, version,
-- mode and definition of the rule's current version (NULL when it is out of use), external_id, title,
-- document_type, status, is_held, purge_after, kept_until (NULL: not kept yet).
SELECT
    organization.slug,
    rule.name AS rule_name,
    version.version,
    version.mode,
    version.definition,
    document.external_id,
    document.title,
    document.document_type,
    document.status,
    document.hold_count > 0 AS is_held,
    document.purge_after,
    keeping.kept_until
FROM documents AS document
INNER JOIN organizations AS organization ON document.organization_id = organization.id
INNER JOIN rules AS rule
    ON document.organization_id = rule.organization_id AND rule.id = %(rule_id)s
LEFT JOIN rule_versions AS version
    ON rule.current_version_id = version.id AND rule.removed_at IS NULL
LEFT JOIN keepings AS keeping
    ON
        document.id = keeping.document_id
        AND rule.id = keeping.rule_id
        AND keeping.due_on = %(due_on)s
WHERE document.id = %(document_id)s;
