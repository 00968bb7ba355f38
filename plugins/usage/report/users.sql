/* The totals of each user, including subagents. A response counts once even if several sessions repeat it. */
WITH session AS (
    SELECT username, count(DISTINCT session_id) AS sessions
    FROM usage_session_summary
    GROUP BY username
),
response AS (
    SELECT username,
           count(*) AS responses,
           sum(input_tokens)::BIGINT AS input_tokens,
           sum(output_tokens)::BIGINT AS output_tokens,
           sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
           sum(cache_creation_5m_tokens + cache_creation_1h_tokens)::BIGINT AS cache_write_tokens,
           sum(cost_usd) AS cost_usd,
           array_to_string(list_sort(list(DISTINCT coalesce(model, '(none)')) FILTER (is_unpriced)), ', ') AS unpriced
    FROM usage_responses
    GROUP BY username
)
SELECT username AS "user",
       sessions,
       coalesce(responses, 0) AS "responses",
       coalesce(input_tokens, 0) AS "tokens in",
       coalesce(output_tokens, 0) AS "tokens out",
       coalesce(cache_read_tokens, 0) AS "cache read",
       coalesce(cache_write_tokens, 0) AS "cache written",
       round(cost_usd, 4) AS "cost_usd",
       unpriced AS "without a price"
FROM session
LEFT JOIN response USING (username)
ORDER BY cost_usd DESC NULLS LAST, username;
