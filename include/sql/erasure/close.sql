-- Close a request: from here on it names nobody.
--   request_id  bigint
--   kept_count  bigint  documents of the person that are kept, lawfully
--   actor       text
--   now         timestamptz
-- Returns erased_count; no row when it was closed before.
UPDATE erasure_requests AS request
SET
    state = 'closed',
    person = NULL,
    closed_at = %(now)s,
    closed_by = %(actor)s,
    kept_count = %(kept_count)s,
    erased_count = (
        SELECT count(DISTINCT item.document_id)
        FROM plans AS plan
        INNER JOIN plan_items AS item ON plan.id = item.plan_id
        INNER JOIN documents AS document ON item.document_id = document.id
        WHERE
            plan.kind = 'erasure'
            AND plan.selection_key = 'erasure request ' || request.id
            AND plan.organization_id = request.organization_id
            -- What could not be destroyed at once was brought to its end by a later purge.
            AND (item.state = 'done' OR (item.action = 'PURGE' AND item.state = 'failed'))
            AND document.status = 'purged'
    )
WHERE request.id = %(request_id)s AND request.state = 'open'
RETURNING erased_count;
