/* The facts that users verified, the most certain first. */
SELECT title AS "title",
       domain AS "domain",
       confidence AS "confidence",
       count(DISTINCT evidence.source_user) AS "users",
       count(evidence.id) AS "sessions",
       (SELECT count(*) FROM knowledge_contradictions WHERE knowledge_items.id IN (item_a, item_b)) AS "contradictions"
FROM knowledge_items
LEFT JOIN verification_evidence AS evidence ON evidence.item_id = knowledge_items.id
GROUP BY knowledge_items.id, title, domain, confidence
ORDER BY confidence DESC, "users" DESC, title, knowledge_items.id
LIMIT 15;
