-- What became of the bytes of a plan's documents, by store. Bytes that several of them shared are
-- counted for each.
--   plan_id  bigint
SELECT
    store.name AS store,
    store.root_uri,
    store.backup_expires_after_days,
    count(*) FILTER (WHERE content.outcome = 'destroyed') AS destroyed,
    count(*) FILTER (WHERE content.outcome = 'found_gone') AS found_gone,
    count(*) FILTER (WHERE content.outcome = 'kept') AS kept,
    count(*) FILTER (WHERE content.has_versions) AS versioned,
    count(*) FILTER (WHERE content.other_links > 0) AS linked,
    max(item.destroyed_at) AS last_destroyed_at
FROM certificate_items AS item
CROSS JOIN
    LATERAL jsonb_to_recordset(item.contents) AS content (
        store text, outcome text, has_versions boolean, other_links integer
    )
INNER JOIN stores AS store ON content.store = store.name
WHERE item.plan_id = %(plan_id)s
GROUP BY store.id
ORDER BY store.name;
