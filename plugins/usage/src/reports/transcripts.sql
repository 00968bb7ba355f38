SELECT session_file,
       nullif(regexp_extract(rtrim(arg_min(cwd, occurred_at), '/\'), '[^/\\]*$'), '') AS project,
       mode(model) AS model,
       sum(cost_usd) AS cost_usd
FROM usage_messages
WHERE coalesce(username = $username, true)
  AND coalesce(occurred_at >= $since::TIMESTAMP, true)
  AND coalesce(occurred_at < $until::TIMESTAMP, true)
GROUP BY session_file
HAVING coalesce(coalesce(project, '(none)') = $project, true)
