SELECT session_id AS session,
       username AS "user",
       any_value(project) AS project,
       min(occurred_at) AS began,
       max(occurred_at) AS last_active,
       {models},
       {usage}
FROM chosen
GROUP BY session_id, username
