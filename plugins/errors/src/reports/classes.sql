SELECT class,
       coalesce(tool_name, '') AS tool,
       count(*) AS errors,
       count(*) FILTER (is_retry) AS retries,
       100 * count(*) FILTER (recovered) / count(*) AS recovered,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users
FROM chosen
GROUP BY ALL
