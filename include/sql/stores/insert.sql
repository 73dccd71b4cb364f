-- Add a store; its marker id is made up here.
--   name           text  how people call it, unique
--   root_uri       text  normalised, without a trailing slash
--   connection_id  text  Airflow Connection with the credentials, or NULL
-- Returns the new row as stores/list does; no row when another import was first.
INSERT INTO stores (name, root_uri, connection_id)
VALUES (%(name)s, %(root_uri)s, %(connection_id)s)
ON CONFLICT DO NOTHING
RETURNING id AS store_id, name, root_uri, connection_id, marker_id, is_cold;
