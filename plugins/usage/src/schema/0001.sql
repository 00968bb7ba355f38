-- Session tables: the host keeps each session's rows those of its latest version.

CREATE TABLE usage_events (
    id                VARCHAR NOT NULL, -- unique within a session; a resumed session repeats its history
    session_id        VARCHAR NOT NULL,
    session_file      VARCHAR NOT NULL,
    username          VARCHAR NOT NULL,
    event_uuid        VARCHAR,
    parent_uuid       VARCHAR,
    event_type        VARCHAR NOT NULL, -- tool_use, subagent, mcp_call, slash_command
    tool_name         VARCHAR,
    skill_name        VARCHAR,
    subagent_type     VARCHAR,
    command_name      VARCHAR,
    is_error          BOOLEAN NOT NULL,
    source            VARCHAR NOT NULL, -- builtin, curated, flea
    ref_id            VARCHAR,          -- the plugin that a curated or flea item belongs to
    model             VARCHAR,
    cwd               VARCHAR,
    occurred_at       TIMESTAMP NOT NULL,
    processor_version INTEGER NOT NULL
);

CREATE TABLE usage_session_summary (
    session_file          VARCHAR NOT NULL,
    session_id            VARCHAR NOT NULL,
    username              VARCHAR NOT NULL,
    started_at            TIMESTAMP,
    ended_at              TIMESTAMP,
    active_seconds        BIGINT NOT NULL,
    wall_seconds          BIGINT NOT NULL,
    user_messages         BIGINT NOT NULL,
    assistant_messages    BIGINT NOT NULL,
    tool_calls            BIGINT NOT NULL,
    tool_errors           BIGINT NOT NULL,
    skill_invocations     BIGINT NOT NULL,
    subagent_dispatches   BIGINT NOT NULL,
    mcp_calls             BIGINT NOT NULL,
    slash_commands        BIGINT NOT NULL,
    distinct_tools        BIGINT NOT NULL,
    distinct_skills       BIGINT NOT NULL,
    prompts               BIGINT NOT NULL,
    responses             BIGINT NOT NULL,
    primary_model         VARCHAR,
    input_tokens          BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    cache_read_tokens     BIGINT NOT NULL,
    cache_creation_tokens BIGINT NOT NULL,
    cost_usd              DOUBLE,       -- of the responses whose model has a known price
    processor_version     INTEGER NOT NULL
);

CREATE TABLE usage_messages (
    session_file             VARCHAR NOT NULL,
    username                 VARCHAR NOT NULL,
    session_id               VARCHAR NOT NULL,
    message_id               VARCHAR,
    request_id               VARCHAR,
    model                    VARCHAR,
    occurred_at              TIMESTAMP NOT NULL,
    is_sidechain             BOOLEAN NOT NULL,
    input_tokens             BIGINT NOT NULL,
    output_tokens            BIGINT NOT NULL,
    cache_read_tokens        BIGINT NOT NULL,
    cache_creation_5m_tokens BIGINT NOT NULL,
    cache_creation_1h_tokens BIGINT NOT NULL,
    cost_usd                 DOUBLE
);

-- Each response once over all sessions, by the rule that holds within one; a response without an identifier is its own.
CREATE VIEW usage_responses AS
SELECT *
FROM usage_messages
QUALIFY message_id IS NULL OR row_number() OVER (
    PARTITION BY message_id, request_id
    ORDER BY input_tokens::HUGEINT + output_tokens + cache_read_tokens
                 + cache_creation_5m_tokens + cache_creation_1h_tokens DESC,
             is_sidechain, occurred_at, session_file
) = 1;

-- A resumed session repeats its history: the same event in two files is one invocation.
CREATE VIEW usage_tool_daily AS
SELECT occurred_at::DATE AS day,
       tool_name,
       source,
       count(DISTINCT id) AS invocations,
       count(DISTINCT id) FILTER (WHERE is_error) AS error_count,
       count(DISTINCT username) AS distinct_users,
       count(DISTINCT session_id) AS distinct_sessions
FROM usage_events
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
           id,
           username,
           is_error
    FROM usage_events
    WHERE source <> 'builtin'
)
SELECT day, source, type, parent_plugin, name,
       count(DISTINCT id) AS invocations,
       count(DISTINCT username) AS distinct_users,
       count(DISTINCT id) FILTER (WHERE is_error) AS error_count
FROM item
GROUP BY ALL
UNION ALL
SELECT day, source, 'plugin', '', parent_plugin,
       count(DISTINCT id),
       count(DISTINCT username),
       count(DISTINCT id) FILTER (WHERE is_error)
FROM item
WHERE parent_plugin <> ''
GROUP BY ALL;
