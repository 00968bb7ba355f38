SELECT newer.title AS newer,
       known.title AS known,
       severity,
       contradiction.status AS status,
       explanation,
       suggested_resolution ->> 'action' AS suggestion,
       contradiction.created_at AS found
FROM knowledge_contradictions AS contradiction
LEFT JOIN knowledge_items AS newer ON newer.id = item_a
LEFT JOIN knowledge_items AS known ON known.id = item_b
WHERE coalesce(newer.source_user = $username OR known.source_user = $username, $username IS NULL)
  AND coalesce(contradiction.created_at >= $since::TIMESTAMP, true)
  AND coalesce(contradiction.created_at < $until::TIMESTAMP, true)
