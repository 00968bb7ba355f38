/* The tools that were called most, each call once even if a resumed session repeats it. */
SELECT tool_name AS "tool",
       count(DISTINCT id) AS "calls",
       count(DISTINCT id) FILTER (WHERE is_error) AS "errors",
       format('{:.1f} %', 100 * "errors" / "calls") AS "error rate",
       count(DISTINCT username) AS "users"
FROM usage_events
WHERE tool_name IS NOT NULL
GROUP BY tool_name
ORDER BY "calls" DESC, "tool"
LIMIT 15;
