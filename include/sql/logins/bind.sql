-- Bind a login to an organization; the same a second time changes nothing.
--   login            text
--   organization_id  bigint  NULL: to those of the person whom the claims of a request name
--   actor            text
--   now              timestamptz
INSERT INTO organization_logins (login, organization_id, bound_by, bound_at)
VALUES (%(login)s, %(organization_id)s, %(actor)s, %(now)s)
ON CONFLICT DO NOTHING;
