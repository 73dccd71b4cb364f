-- Take the words out of what plans said of the batch's documents: a failure names the file.
UPDATE plan_items AS item
SET reason = without_words(item.reason, residue.words)
FROM pg_temp.residue
WHERE
    item.document_id = residue.document_id
    AND item.reason <> without_words(item.reason, residue.words);
