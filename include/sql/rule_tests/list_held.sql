-- Which documents of an organization are under a legal hold.
--   organization_id  bigint
SELECT document.id
FROM documents AS document
WHERE document.organization_id = %(organization_id)s AND document.hold_count > 0;
