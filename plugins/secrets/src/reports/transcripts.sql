SELECT session_file, count(DISTINCT fingerprint) AS secrets
FROM secret_findings
WHERE coalesce(username = $username, true)
  AND coalesce(first_seen_at >= $since::TIMESTAMP, true)
  AND coalesce(first_seen_at < $until::TIMESTAMP, true)
GROUP BY session_file
