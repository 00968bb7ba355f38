/* The chosen sessions with their subagents, and when each began. */
WITH session AS (
    SELECT username,
           session_id,
           min(started_at) AS began,
           sum(prompts) AS prompts,
           sum(tool_calls) AS tool_calls
    FROM usage_stored_sessions
    WHERE started_at IS NOT NULL AND coalesce(username = $username, true)
    GROUP BY username, session_id
)
SELECT (began + utc_offset)::DATE AS day,
       count(*) AS sessions,
       count(DISTINCT username) AS users,
       try_cast(sum(prompts) AS BIGINT) AS prompts,
       try_cast(sum(tool_calls) AS BIGINT) AS tool_calls
FROM session
ASOF JOIN utc_offsets ON began >= from_utc
LEFT JOIN usage_projects USING (username, session_id)
WHERE coalesce(coalesce(project, '(none)') = $project, true)
  AND coalesce(began >= $since::TIMESTAMP, true)
  AND coalesce(began < $until::TIMESTAMP, true)
GROUP BY 1
