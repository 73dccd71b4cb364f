-- The reports that may list documents to be swept: those about days on which one of them failed or was
-- purged.
-- Returns report_id, store_name, html_uri, csv_uri, html_sha256, csv_sha256 and document_ids.
SELECT
    report.id AS report_id,
    report.store_name,
    report.html_uri,
    report.csv_uri,
    report.html_sha256,
    report.csv_sha256,
    array_agg(DISTINCT swept.document_id ORDER BY swept.document_id) AS document_ids
FROM purged_documents_to_sweep AS swept
INNER JOIN organizations AS organization ON swept.organization_id = organization.id
INNER JOIN plan_items AS item ON swept.document_id = item.document_id
INNER JOIN reports AS report
    ON
        swept.organization_id = report.organization_id
        AND (item.finished_at AT TIME ZONE organization.time_zone)::date
        BETWEEN report.starts_on AND report.ends_on
WHERE item.state = 'failed' OR item.action = 'PURGE'
GROUP BY report.id
ORDER BY report.id;
