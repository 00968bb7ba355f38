SELECT title,
       domain,
       category,
       100 * confidence AS confidence,
       count(DISTINCT evidence.source_user) AS users,
       count(DISTINCT evidence.session_file) AS sessions,
       (SELECT count(*) FROM knowledge_contradictions WHERE items.id IN (item_a, item_b)) AS contradictions,
       max(evidence.created_at) AS last_verified
FROM knowledge_items AS items
LEFT JOIN verification_evidence AS evidence ON evidence.item_id = items.id
GROUP BY items.id, title, domain, category, confidence
HAVING coalesce(list_contains(list(evidence.source_user), $username), true)
   AND coalesce(max(evidence.created_at) >= $since::TIMESTAMP, $since IS NULL)
   AND coalesce(min(evidence.created_at) < $until::TIMESTAMP, $until IS NULL)
