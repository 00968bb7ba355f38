/* How many calls of tools, subagents and MCP servers failed. */
SELECT count(*) AS "calls",
       count(*) FILTER (WHERE is_error) AS "errors",
       format('{:.1f} %', 100 * "errors" / greatest("calls", 1)) AS "error rate"
FROM usage_invocations
WHERE tool_name IS NOT NULL;
