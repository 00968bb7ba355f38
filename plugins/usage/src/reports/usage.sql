count(*) AS responses,
       try_cast(sum(input_tokens) AS BIGINT) AS input_tokens,
       try_cast(sum(output_tokens) AS BIGINT) AS output_tokens,
       try_cast(sum(cache_write_tokens) AS BIGINT) AS cache_write_tokens,
       try_cast(sum(cache_read_tokens) AS BIGINT) AS cache_read_tokens,
       try_cast(sum(total_tokens) AS BIGINT) AS total_tokens,
       sum(cost_usd) AS cost_usd
