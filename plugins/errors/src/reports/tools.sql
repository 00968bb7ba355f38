SELECT coalesce(tool_name, '(none)') AS tool,
       count(*) AS errors,
       count(*) FILTER (is_retry) AS retries,
       100 * count(*) FILTER (recovered) / count(*) AS recovered,
       mode(class) AS most_frequent_class,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users
FROM chosen
GROUP BY ALL
