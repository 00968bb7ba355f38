/* The offsets of each day of UTC: two, where it changes. An earlier or later day has that of the first or last one. DuckDB
   joins days as they come; with ASOF JOIN, it would sort all responses in memory. */
WITH RECURSIVE utc_day AS (
    SELECT unnest(range(
               greatest(from_utc, TIMESTAMP '1970-01-01')::DATE,
               least(until_utc, TIMESTAMP '2100-01-01')::DATE + 1,
               INTERVAL 1 DAY
           ))::DATE AS utc_day,
           *
    FROM (
        SELECT *, lead(from_utc, 1, TIMESTAMP 'infinity') OVER (ORDER BY from_utc) AS until_utc
        FROM utc_offsets
    )
),
/* The responses of the chosen users and projects, with their local day. */
response AS (
    SELECT response.*,
           coalesce(project, '(none)') AS project,
           (occurred_at + utc_offset)::DATE AS day,
           cache_creation_5m_tokens::HUGEINT + cache_creation_1h_tokens AS cache_write_tokens,
           input_tokens::HUGEINT + output_tokens + cache_read_tokens
               + cache_creation_5m_tokens + cache_creation_1h_tokens AS total_tokens
    FROM usage_responses AS response
    JOIN utc_day
        ON utc_day = least(greatest(occurred_at, TIMESTAMP '1970-01-01'), TIMESTAMP '2100-01-01')::DATE
       AND occurred_at >= from_utc
       AND occurred_at < until_utc
    LEFT JOIN usage_projects USING (username, session_id)
    WHERE coalesce(username = $username, true) AND coalesce(coalesce(project, '(none)') = $project, true)
),
/* Those of the chosen time. */
chosen AS (
    SELECT *
    FROM response
    WHERE coalesce(occurred_at >= $since::TIMESTAMP, true) AND coalesce(occurred_at < $until::TIMESTAMP, true)
)
