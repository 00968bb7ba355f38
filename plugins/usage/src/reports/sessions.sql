SELECT session_id AS session,
       username AS "user",
       any_value(project) AS project,
       min(occurred_at) AS began,
       max(occurred_at) AS last_active,
       array_to_string(list_sort(list(DISTINCT coalesce(model, '(none)'))), ', ') AS models,
       count(*) AS responses,
       sum(input_tokens)::BIGINT AS input_tokens,
       sum(output_tokens)::BIGINT AS output_tokens,
       sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
       sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
       sum(total_tokens)::BIGINT AS total_tokens,
       sum(cost_usd) AS cost_usd
FROM chosen
GROUP BY session_id, username
