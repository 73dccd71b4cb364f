-- Whether and why everything is halted: reason text (NULL when it is not), set_by, set_at, and
-- the deployment this database believes to be.
SELECT
    halt_reason() AS reason,
    switches.set_by,
    switches.set_at,
    deployment.deployment_id,
    deployment.cluster_identity = cluster_identity() AS is_adopted
FROM switches
CROSS JOIN deployment
WHERE switches.name = 'halt';
