-- Made twice, as the view PRICED over MESSAGES: `usage_messages` and `usage_responses`.

CREATE VIEW PRICED AS
WITH message AS (
    SELECT *,
           -- As the price list tells them apart: other tiers cost what the standard one does.
           CASE WHEN speed = 'fast' THEN 'fast' WHEN service_tier = 'batch' THEN 'batch' ELSE 'standard' END AS price_mode,
           60 * hour(occurred_at) + minute(occurred_at) AS minute_of_day,
           input_tokens::HUGEINT + cache_read_tokens + cache_creation_5m_tokens + cache_creation_1h_tokens AS prompt_tokens
    FROM MESSAGES
),
priced AS (
    SELECT message.*,
           coalesce(geo.factor, 1) * (
               rate.input * input_tokens
               + rate.output * output_tokens
               + rate.cache_read * cache_read_tokens
               + rate.cache_write_5m * cache_creation_5m_tokens
               + rate.cache_write_1h * cache_creation_1h_tokens
           ) + rate.web_search * coalesce(web_search_requests, 0) AS calculated_cost_usd
    FROM message
    LEFT JOIN usage_rates AS rate
           ON rate.model = message.model
          AND rate.mode = message.price_mode
          AND message.occurred_at >= rate.valid_from
          AND message.occurred_at < rate.valid_until
          AND minute_of_day >= rate.minute_from
          AND minute_of_day < rate.minute_until
          AND prompt_tokens >= rate.prompt_from
          AND prompt_tokens < rate.prompt_until
    LEFT JOIN usage_price_factors AS geo
           ON geo.model = rate.listed_model
          AND geo.circumstance = 'inference_geo'
          AND geo.value = message.inference_geo
),
costed AS (
    SELECT *,
           CASE (SELECT max(cost) FROM usage_cost_setting)
               WHEN 'recorded' THEN recorded_cost_usd
               WHEN 'calculate' THEN calculated_cost_usd
               ELSE coalesce(recorded_cost_usd, calculated_cost_usd)
           END AS cost_usd
    FROM priced
)
SELECT session_file, username, session_id, message_id, request_id, model, occurred_at, is_sidechain,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, cost_usd,
       cwd, git_branch, iteration, recorded_cost_usd, speed, service_tier, inference_geo, web_search_requests, price_mode,
       cost_usd IS NULL AND prompt_tokens + output_tokens + coalesce(web_search_requests, 0) > 0 AS is_unpriced
FROM costed;
