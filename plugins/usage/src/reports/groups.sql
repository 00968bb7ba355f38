SELECT {group},
       count(DISTINCT session_id) AS sessions,
       count(*) AS responses,
       sum(input_tokens)::BIGINT AS input_tokens,
       sum(output_tokens)::BIGINT AS output_tokens,
       sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
       sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
       sum(total_tokens)::BIGINT AS total_tokens,
       sum(cost_usd) AS cost_usd,
       max(occurred_at) AS last_active
FROM chosen
GROUP BY 1
