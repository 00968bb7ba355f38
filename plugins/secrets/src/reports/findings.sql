/* A secret was first seen in any session, even before the chosen time. */
WITH finding AS (
    SELECT *, min(first_seen_at) OVER (PARTITION BY fingerprint) AS known_since
    FROM secret_findings
)
SELECT description AS kind,
       preview,
       try_cast(sum(occurrences) AS BIGINT) AS occurrences,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users,
       min(known_since) AS first_seen,
       max(first_seen_at) AS last_leaked,
       left(fingerprint, 12) AS fingerprint,
       arg_min(session_file, first_seen_at) AS first_session
FROM finding
WHERE coalesce(username = $username, true)
  AND coalesce(first_seen_at >= $since::TIMESTAMP, true)
  AND coalesce(first_seen_at < $until::TIMESTAMP, true)
GROUP BY rule_id, description, preview, finding.fingerprint
