-- Where the list of what is past due goes on after so many actions; no row when it ends before.
--   organization_id  bigint
--   today            date    in the organization's zone
--   version_id       bigint  only this rule version's; NULL for all
--   after_due_on     date    as in overdue/list
--   after_document   bigint
--   after_version    bigint
--   after_action     integer
--   most             bigint  how many actions
SELECT
    place.due_on,
    place.document_id,
    place.rule_version_id AS version_id,
    place.action_index
FROM (
    SELECT
        ahead.*,
        count(*) OVER () AS looked_at
    FROM
        next_overdue(
            %(organization_id)s, %(today)s, %(version_id)s, %(after_due_on)s, %(after_document)s,
            %(after_version)s, %(after_action)s, %(most)s
        ) AS ahead
) AS place
WHERE place.looked_at = %(most)s
ORDER BY
    place.due_on DESC, place.document_id DESC, place.rule_version_id DESC, place.action_index DESC
LIMIT 1;
