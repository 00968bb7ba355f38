/* The invocations of the chosen users, projects and time. */
WITH chosen AS (
    SELECT event.*, coalesce(project, '(none)') AS project
    FROM usage_invocations AS event
    LEFT JOIN usage_projects USING (username, session_id)
    WHERE coalesce(username = $username, true)
      AND coalesce(coalesce(project, '(none)') = $project, true)
      AND coalesce(occurred_at >= $since::TIMESTAMP, true)
      AND coalesce(occurred_at < $until::TIMESTAMP, true)
)
