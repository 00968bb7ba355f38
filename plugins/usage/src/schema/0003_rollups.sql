-- What has tokens or web searches and costs null: no sum of costs holds it.
CREATE VIEW usage_unpriced AS
SELECT coalesce(response.model, '(none)') AS model,
       count(*) AS responses,
       sum(input_tokens::HUGEINT + output_tokens + cache_read_tokens
           + cache_creation_5m_tokens + cache_creation_1h_tokens)::BIGINT AS tokens,
       min(occurred_at)::DATE AS first_day,
       max(occurred_at)::DATE AS last_day,
       CASE
           WHEN (SELECT max(cost) FROM usage_cost_setting) = 'recorded' THEN 'no recorded cost'
           WHEN listed_model IS NULL THEN 'no price of this model'
           ELSE 'no ' || price_mode || ' price of this model'
       END AS reason
FROM usage_responses AS response
LEFT JOIN usage_models AS models USING (model)
WHERE is_unpriced
GROUP BY ALL
ORDER BY tokens DESC, 1;

CREATE VIEW usage_session_summary AS
WITH cost AS (
    SELECT session_file,
           sum(cost_usd) AS cost_usd,
           count(*) FILTER (is_unpriced) AS unpriced_responses
    FROM usage_messages
    GROUP BY session_file
)
SELECT session.session_file, session_id, username, started_at, ended_at, active_seconds, wall_seconds, user_messages,
       assistant_messages, tool_calls, tool_errors, skill_invocations, subagent_dispatches, mcp_calls, slash_commands,
       distinct_tools, distinct_skills, prompts, responses, primary_model, input_tokens, output_tokens, cache_read_tokens,
       cache_creation_tokens,
       cost.cost_usd,
       processor_version,
       coalesce(cost.unpriced_responses, 0) AS unpriced_responses
FROM usage_stored_sessions AS session
LEFT JOIN cost ON cost.session_file = session.session_file;
