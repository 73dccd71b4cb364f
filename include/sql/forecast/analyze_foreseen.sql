-- Tell the planner how much is foreseen, or it assumes a handful.
ANALYZE pg_temp.foreseen;
