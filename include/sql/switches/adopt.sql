-- Declare this database, wherever it now runs, to be the deployment of a new or the same identity.
--   actor           text
--   now             timestamptz
--   deployment_id   uuid  the same as before when this database took the other's place, a new one
--                         when the other lives on (its stores then are foreign to us)
UPDATE deployment
SET
    cluster_identity = cluster_identity(),
    deployment_id = %(deployment_id)s,
    adopted_by = %(actor)s,
    adopted_at = %(now)s;
