SELECT source,
       CASE event_type WHEN 'subagent' THEN 'agent' ELSE 'skill' END AS type,
       coalesce(ref_id, '') AS plugin,
       regexp_replace(coalesce(skill_name, subagent_type, command_name), '^[^:]*:', '') AS name,
       count(*) AS calls,
       count(*) FILTER (is_error) AS errors,
       100 * count(*) FILTER (is_error) / count(*) AS error_rate,
       count(DISTINCT username) AS users,
       count(DISTINCT session_id) AS sessions
FROM chosen
WHERE source <> 'builtin'
GROUP BY ALL
