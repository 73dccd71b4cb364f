-- Take a login's bindings away, and return what it was bound to.
--   login            text
--   organization_id  bigint  only this one; NULL for all, the claims too
-- Returns organization_id bigint, NULL for the claims.
DELETE FROM organization_logins
WHERE
    login = %(login)s
    AND (%(organization_id)s::bigint IS NULL OR organization_id = %(organization_id)s)
RETURNING organization_id;
