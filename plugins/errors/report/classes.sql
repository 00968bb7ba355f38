/* The most frequent errors, and how many of them the session recovered from. */
SELECT class,
       coalesce(tool_name, '') AS tool,
       count(*) AS errors,
       count(*) FILTER (WHERE is_retry) AS retries,
       format('{:.1f} %', 100 * count(*) FILTER (WHERE recovered) / count(*)) AS recovered
FROM distinct_errors
GROUP BY ALL
ORDER BY errors DESC, class, tool
LIMIT 10;
