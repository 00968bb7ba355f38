/* A secret is new on the day on which it was first seen in any session. */
WITH finding AS (
    SELECT *,
           first_seen_at = min(first_seen_at) OVER (PARTITION BY fingerprint) AS is_new
    FROM secret_findings
)
SELECT (first_seen_at + utc_offset)::DATE AS day,
       count(DISTINCT fingerprint) AS secrets,
       count(DISTINCT fingerprint) FILTER (is_new) AS new_secrets,
       try_cast(sum(occurrences) AS BIGINT) AS occurrences,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users
FROM finding
ASOF JOIN utc_offsets ON first_seen_at >= from_utc
WHERE coalesce(username = $username, true)
  AND coalesce(first_seen_at >= $since::TIMESTAMP, true)
  AND coalesce(first_seen_at < $until::TIMESTAMP, true)
GROUP BY day
