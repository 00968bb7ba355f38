SELECT session_file, count(*) AS errors
FROM session_errors
WHERE coalesce(username = $username, true)
  AND coalesce(occurred_at >= $since::TIMESTAMP, true)
  AND coalesce(occurred_at < $until::TIMESTAMP, true)
GROUP BY session_file
