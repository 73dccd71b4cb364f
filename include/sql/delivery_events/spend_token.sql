-- Take a token that proves one event; tokens that are too old to prove anything are forgotten.
--   token  text
--   now    timestamptz
-- Returns the token; no row when it was taken before.
WITH forgotten AS (
    DELETE FROM spent_event_tokens
    WHERE seen_at < %(now)s::timestamptz - interval '3 days'
)

INSERT INTO spent_event_tokens (token, seen_at)
VALUES (%(token)s, %(now)s)
ON CONFLICT (token) DO NOTHING
RETURNING token;
