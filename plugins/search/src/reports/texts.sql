SELECT username AS "user",
       kind,
       count(*) AS texts,
       try_cast(sum(strlen(text)) AS BIGINT) AS bytes,
       count(*) FILTER (omitted_bytes > 0) AS cut_texts,
       try_cast(sum(omitted_bytes) AS BIGINT) AS omitted_bytes
FROM search_texts
WHERE coalesce(username = $username, true)
  AND coalesce(project = $project, $project IS NULL)
  AND coalesce(occurred_at >= $since::TIMESTAMP, true)
  AND coalesce(occurred_at < $until::TIMESTAMP, true)
GROUP BY ALL
