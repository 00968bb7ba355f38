SELECT source,
       CASE event_type WHEN 'subagent' THEN 'agent' ELSE 'skill' END AS type,
       coalesce(ref_id, '') AS plugin,
       regexp_replace(coalesce(skill_name, subagent_type, command_name), '^[^:]*:', '') AS name,
       {calls}
FROM chosen
WHERE source <> 'builtin'
GROUP BY ALL
