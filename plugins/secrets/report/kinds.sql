/* How many different secrets of each kind there are, and in how many users' sessions. */
SELECT rule_id AS "rule",
       description AS "kind",
       count(DISTINCT fingerprint) AS "secrets",
       count(DISTINCT session_id) AS "sessions",
       count(DISTINCT username) AS "users"
FROM secret_findings
GROUP BY rule_id, description
ORDER BY "secrets" DESC, "rule";
