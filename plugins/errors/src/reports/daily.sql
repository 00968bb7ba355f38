SELECT day,
       class,
       count(*) AS errors,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users
FROM chosen
GROUP BY ALL
