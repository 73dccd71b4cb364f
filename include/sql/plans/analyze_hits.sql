-- Tell the planner how many hits there are, or it assumes a handful.
ANALYZE pg_temp.hits;
