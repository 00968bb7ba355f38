SELECT description AS kind,
       preview,
       sum(occurrences)::BIGINT AS occurrences,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users,
       min(first_seen_at) AS first_seen,
       max(first_seen_at) AS last_seen,
       left(fingerprint, 12) AS fingerprint,
       arg_min(session_file, first_seen_at) AS first_session
FROM secret_findings
WHERE coalesce(username = $username, true)
  AND coalesce(first_seen_at >= $since::TIMESTAMP, true)
  AND coalesce(first_seen_at < $until::TIMESTAMP, true)
GROUP BY rule_id, description, preview, secret_findings.fingerprint
