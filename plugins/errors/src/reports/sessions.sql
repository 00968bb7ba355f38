SELECT session_file AS session,
       any_value(chosen.username) AS "user",
       any_value(ended_on) AS ended_on,
       count(*) AS errors,
       count(DISTINCT class) AS classes,
       any_value(longest_retry_run) AS longest_retry_run,
       max(occurred_at) AS last_error
FROM chosen
LEFT JOIN session_outcome USING (session_file)
GROUP BY session_file
