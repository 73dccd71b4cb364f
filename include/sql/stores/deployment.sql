-- Who we are: what the marker of every store of ours says.
-- Returns one row: deployment_id uuid.
SELECT deployment_id
FROM deployment;
