SELECT {group},
       count(DISTINCT session_id) AS sessions,
       {usage},
       max(occurred_at) AS last_active
FROM chosen
GROUP BY 1
