-- Tell the planner how many protections there are, or it assumes a handful.
ANALYZE pg_temp.protections;
