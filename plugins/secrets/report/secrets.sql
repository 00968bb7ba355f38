/* The secrets found, one row each: the kind, how often it occurs, in how many sessions, and since when. */
SELECT description AS "kind",
       preview,
       sum(occurrences)::BIGINT AS "times",
       count(DISTINCT session_id) AS "sessions",
       count(DISTINCT username) AS "users",
       min(first_seen_at) AS "first seen",
       left(fingerprint, 12) AS "fingerprint begins"
FROM secret_findings
GROUP BY rule_id, description, preview, fingerprint
ORDER BY "sessions" DESC, "times" DESC, "kind", fingerprint
LIMIT 15;
