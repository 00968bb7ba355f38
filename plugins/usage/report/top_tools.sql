/* The most frequently called tools. A call counts once even if another session repeats it. */
SELECT tool_name AS "tool",
       count(*) AS "calls",
       count(*) FILTER (WHERE is_error) AS "errors",
       format('{:.1f} %', 100 * "errors" / "calls") AS "error rate",
       count(DISTINCT username) AS "users"
FROM usage_invocations
WHERE tool_name IS NOT NULL
GROUP BY tool_name
ORDER BY "calls" DESC, "tool"
LIMIT 15;
