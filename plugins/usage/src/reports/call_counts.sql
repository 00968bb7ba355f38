count(*) AS calls,
       count(*) FILTER (is_error) AS errors,
       100 * count(*) FILTER (is_error) / count(*) AS error_rate,
       count(DISTINCT username) AS users,
       count(DISTINCT session_id) AS sessions
