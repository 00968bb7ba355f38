-- The tables keep what transcripts say. What follows from that are views, under the names that the tables had.

DROP VIEW usage_responses;
DROP VIEW usage_tool_daily;
DROP VIEW usage_marketplace_item_daily;

ALTER TABLE usage_messages RENAME TO usage_stored_messages;
ALTER TABLE usage_stored_messages DROP COLUMN cost_usd;
ALTER TABLE usage_stored_messages ADD COLUMN iteration BIGINT;           -- of an advisor's answer: which one of the response
ALTER TABLE usage_stored_messages ADD COLUMN recorded_cost_usd DOUBLE;   -- where the line says what the response cost
ALTER TABLE usage_stored_messages ADD COLUMN speed VARCHAR;              -- standard, fast
ALTER TABLE usage_stored_messages ADD COLUMN service_tier VARCHAR;       -- standard, batch, priority
ALTER TABLE usage_stored_messages ADD COLUMN inference_geo VARCHAR;      -- global, us
ALTER TABLE usage_stored_messages ADD COLUMN web_search_requests BIGINT;
ALTER TABLE usage_stored_messages ADD COLUMN cwd VARCHAR;
ALTER TABLE usage_stored_messages ADD COLUMN git_branch VARCHAR;

ALTER TABLE usage_session_summary RENAME TO usage_stored_sessions;
ALTER TABLE usage_stored_sessions DROP COLUMN cost_usd;

ALTER TABLE usage_events ADD COLUMN invocation VARCHAR;                  -- the same in every copy of a session

-- What the agent writes in a model's place is no response. The transcripts of some sessions are gone, so that nothing
-- processes them again.
UPDATE usage_stored_sessions AS session
SET responses = told.responses, primary_model = told.model
FROM (
    SELECT session_file,
           count(*) FILTER (WHERE model IS DISTINCT FROM '<synthetic>') AS responses,
           mode(model) FILTER (WHERE model <> '<synthetic>') AS model
    FROM usage_stored_messages
    GROUP BY session_file
    HAVING bool_or(model = '<synthetic>')
) AS told
WHERE session.session_file = told.session_file;

DELETE FROM usage_stored_messages WHERE model = '<synthetic>';

-- Each response once over all sessions. Most messages occur once: only the others are compared.
CREATE VIEW usage_distinct_messages AS
WITH repeated AS (
    SELECT message_id
    FROM usage_stored_messages
    WHERE message_id IS NOT NULL
    GROUP BY message_id
    HAVING count(*) > 1
),
weighed AS (
    SELECT *,
           starts_with(message_id, 'msg_') AS is_vendors,
           input_tokens::HUGEINT + cache_read_tokens + cache_creation_5m_tokens + cache_creation_1h_tokens AS prompt_tokens
    FROM usage_stored_messages
    SEMI JOIN repeated USING (message_id)
),
-- The vendor gives an identifier once: a line that lost its request has that of another.
requested AS (
    SELECT *,
           CASE
               WHEN is_vendors AND request_id IS NULL THEN first_value(request_id) OVER (
                   PARTITION BY message_id, iteration
                   ORDER BY request_id IS NULL, is_sidechain, occurred_at, request_id
               )
               ELSE request_id
           END AS own_request
    FROM weighed
),
-- A side question repeats responses of its session under requests of its own.
asked AS (
    SELECT *,
           CASE
               WHEN is_sidechain AND own_request IS NOT NULL THEN coalesce(
                   min(own_request) FILTER (NOT is_sidechain) OVER (
                       PARTITION BY session_id, message_id, iteration, prompt_tokens,
                                    CASE WHEN NOT is_vendors THEN model END,
                                    CASE WHEN NOT is_vendors THEN output_tokens END
                   ),
                   own_request
               )
               ELSE own_request
           END AS first_request
    FROM requested
),
-- Without the vendor's identifier and without a request the largest response of a session and a model stands for all. A
-- copy of the session keeps its time and its tokens.
told AS (
    SELECT *,
           CASE
               WHEN first_request IS NULL AND NOT is_vendors THEN first_value(
                   {'model': model, 'at': occurred_at, 'prompt': prompt_tokens, 'output': output_tokens}
               ) OVER (
                   PARTITION BY session_id, message_id, iteration, first_request, model
                   ORDER BY prompt_tokens + output_tokens DESC, is_sidechain, occurred_at, session_file
               )
           END AS largest
    FROM asked
)
-- What only another copy tells is kept.
SELECT * EXCLUDE (is_vendors, prompt_tokens, own_request, first_request, largest)
         REPLACE (
             coalesce(recorded_cost_usd, max(recorded_cost_usd) OVER copies) AS recorded_cost_usd,
             coalesce(speed, max(speed) OVER copies) AS speed,
             coalesce(service_tier, max(service_tier) OVER copies) AS service_tier,
             coalesce(inference_geo, max(inference_geo) OVER copies) AS inference_geo,
             max(web_search_requests) OVER copies AS web_search_requests
         )
FROM told
WINDOW copies AS (PARTITION BY message_id, iteration, first_request, largest)
QUALIFY row_number() OVER (
    copies ORDER BY prompt_tokens + output_tokens DESC, is_sidechain, occurred_at, session_file
) = 1
UNION ALL
SELECT *
FROM usage_stored_messages
ANTI JOIN repeated USING (message_id);

-- Each invocation once over all sessions: a resumed or branched session repeats its history. It failed where any copy says
-- so. An event that was stored before invocations had names has that of an equal event, else it is known by its id.
CREATE VIEW usage_invocations AS
WITH named AS (
    SELECT id, min(invocation) AS invocation
    FROM usage_events
    WHERE invocation IS NOT NULL AND id IN (SELECT id FROM usage_events WHERE invocation IS NULL)
    GROUP BY id
),
event AS (
    SELECT usage_events.*
               REPLACE (coalesce(usage_events.invocation, named.invocation, usage_events.id) AS invocation)
    FROM usage_events
    LEFT JOIN named ON usage_events.invocation IS NULL AND named.id = usage_events.id
),
shared AS MATERIALIZED (
    SELECT invocation
    FROM event
    GROUP BY invocation
    HAVING count(*) > 1
)
SELECT *
FROM event
WHERE invocation NOT IN (FROM shared)
UNION ALL
SELECT * REPLACE (bool_or(is_error) OVER (PARTITION BY invocation) AS is_error)
FROM event
WHERE invocation IN (FROM shared)
QUALIFY row_number() OVER (PARTITION BY invocation ORDER BY occurred_at, session_file, id) = 1;

CREATE VIEW usage_tool_daily AS
SELECT occurred_at::DATE AS day,
       tool_name,
       source,
       count(*) AS invocations,
       count(*) FILTER (WHERE is_error) AS error_count,
       count(DISTINCT username) AS distinct_users,
       count(DISTINCT session_id) AS distinct_sessions
FROM usage_invocations
WHERE tool_name IS NOT NULL
GROUP BY ALL;

-- The attributed items, and above those of each plugin one row for the plugin, which counts a user of several items once.
CREATE VIEW usage_marketplace_item_daily AS
WITH item AS (
    SELECT occurred_at::DATE AS day,
           source,
           CASE event_type WHEN 'subagent' THEN 'agent' ELSE 'skill' END AS type,
           coalesce(ref_id, '') AS parent_plugin,
           regexp_replace(coalesce(skill_name, subagent_type, command_name), '^[^:]*:', '') AS name,
           username,
           is_error
    FROM usage_invocations
    WHERE source <> 'builtin'
)
SELECT day, source, type, parent_plugin, name,
       count(*) AS invocations,
       count(DISTINCT username) AS distinct_users,
       count(*) FILTER (WHERE is_error) AS error_count
FROM item
GROUP BY ALL
UNION ALL
SELECT day, source, 'plugin', '', parent_plugin,
       count(*),
       count(DISTINCT username),
       count(*) FILTER (WHERE is_error)
FROM item
WHERE parent_plugin <> ''
GROUP BY ALL;
