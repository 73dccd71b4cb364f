-- How many documents a rule would archive or delete on the day it is compiled for.
--   {hits}  compiled rule
SELECT count(DISTINCT hit.document_id)
FROM ({hits}) AS hit
INNER JOIN documents AS document ON hit.document_id = document.id
WHERE hit.matched AND hit.action IN ('ARCHIVE', 'DELETE') AND document.hold_count = 0;
