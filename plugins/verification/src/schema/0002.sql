-- What an older service knew without evidence that is still there. No evidence makes it less sure.

CREATE TABLE knowledge_inherited (
    item_id     VARCHAR PRIMARY KEY,
    source_user VARCHAR, -- who verified it then
    confidence  DOUBLE NOT NULL
);

INSERT INTO knowledge_inherited
SELECT id, any_value(source_user), max(confidence)
FROM knowledge_items
WHERE id IS NOT NULL AND confidence > 0 AND isfinite(confidence)
  AND NOT EXISTS (SELECT 1 FROM verification_evidence AS evidence WHERE evidence.item_id = knowledge_items.id)
GROUP BY id;
