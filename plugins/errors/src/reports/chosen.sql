/* The errors of the chosen users and time, with their local day. */
WITH chosen AS (
    SELECT error.*, (occurred_at + utc_offset)::DATE AS day
    FROM distinct_errors AS error
    ASOF JOIN utc_offsets ON occurred_at >= from_utc
    WHERE coalesce(username = $username, true)
      AND coalesce(occurred_at >= $since::TIMESTAMP, true)
      AND coalesce(occurred_at < $until::TIMESTAMP, true)
)
