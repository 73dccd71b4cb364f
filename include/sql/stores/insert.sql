-- Add a store; its marker id is made up here.
--   name           text  how people call it, unique
--   root_uri       text  normalised, without a trailing slash
--   connection_id  text  Airflow Connection with the credentials, or NULL
--   is_cold        boolean  whether its bytes cannot be read at once
-- Returns the new row as stores/list does; no row when another import was first.
INSERT INTO stores (name, root_uri, connection_id, is_cold)
VALUES (%(name)s, %(root_uri)s, %(connection_id)s, %(is_cold)s)
ON CONFLICT DO NOTHING
RETURNING id AS store_id, name, root_uri, connection_id, marker_id, is_cold;
