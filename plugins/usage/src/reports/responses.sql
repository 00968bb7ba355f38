/* The responses of the chosen users and projects, with their local day. */
WITH RECURSIVE response AS (
    SELECT response.*,
           coalesce(project, '(none)') AS project,
           (occurred_at + utc_offset)::DATE AS day,
           cache_creation_5m_tokens::HUGEINT + cache_creation_1h_tokens AS cache_write_tokens,
           input_tokens::HUGEINT + output_tokens + cache_read_tokens
               + cache_creation_5m_tokens + cache_creation_1h_tokens AS total_tokens
    FROM usage_responses AS response
    ASOF JOIN utc_offsets ON occurred_at >= from_utc
    LEFT JOIN usage_projects USING (username, session_id)
    WHERE coalesce(username = $username, true) AND coalesce(coalesce(project, '(none)') = $project, true)
),
/* Those of the chosen time. */
chosen AS (
    SELECT *
    FROM response
    WHERE coalesce(occurred_at >= $since::TIMESTAMP, true) AND coalesce(occurred_at < $until::TIMESTAMP, true)
)
