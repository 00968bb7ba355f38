,
/* A block begins at the full hour of a user's first response, and after its end with the next one. A response at the very
   end of a block still belongs to it. */
hours AS (
    SELECT username,
           date_trunc('hour', occurred_at) AS hour,
           bool_or(occurred_at > date_trunc('hour', occurred_at)) AS goes_on
    FROM response
    GROUP BY 1, 2
),
/* After six hours without a response, a block begins in any case. The blocks until then follow one from another. */
rested AS (
    SELECT username, hour AS began, lead(hour) OVER (PARTITION BY username ORDER BY hour) AS next
    FROM (
        SELECT *, lag(hour) OVER (PARTITION BY username ORDER BY hour) AS before
        FROM hours
    )
    WHERE coalesce(hour - before >= INTERVAL 6 HOURS, true)
),
block AS (
    SELECT username, began, next
    FROM rested
    UNION ALL
    SELECT block.username, min(hour), next
    FROM block
    JOIN hours ON hours.username = block.username
              AND (hour > began + INTERVAL 5 HOURS OR (hour = began + INTERVAL 5 HOURS AND goes_on))
              AND coalesce(hour < next, true)
    GROUP BY block.username, began, next
),
summed AS (
    SELECT block.username,
           began,
           began + INTERVAL 5 HOURS AS ends,
           {models},
           {usage},
           min(occurred_at) AS first_response,
           max(occurred_at) AS last_response
    FROM block
    JOIN response ON response.username = block.username
                 AND occurred_at >= began
                 AND occurred_at <= began + INTERVAL 5 HOURS
                 AND NOT (occurred_at = began AND EXISTS (
                     FROM block AS earlier
                     WHERE earlier.username = block.username AND earlier.began + INTERVAL 5 HOURS = block.began
                 ))
    GROUP BY ALL
),
told AS (
    SELECT *,
           $now::TIMESTAMP >= began AND $now::TIMESTAMP < ends AND $now::TIMESTAMP - last_response < INTERVAL 5 HOURS AS is_open,
           greatest(epoch(last_response - first_response) / 60, 1) AS minutes
    FROM summed
)
SELECT began,
       ends,
       CASE WHEN is_open THEN 'open' ELSE 'ended' END AS status,
       username AS "user",
       models,
       responses,
       input_tokens,
       output_tokens,
       cache_write_tokens,
       cache_read_tokens,
       total_tokens,
       cost_usd,
       CASE WHEN is_open THEN total_tokens / minutes END AS tokens_per_minute,
       CASE WHEN is_open THEN 60 * cost_usd / minutes END AS cost_per_hour,
       CASE WHEN is_open THEN cost_usd + cost_usd / minutes * epoch(ends - $now::TIMESTAMP) / 60 END AS projected_cost
FROM told
WHERE coalesce(ends > $since::TIMESTAMP, true) AND coalesce(began < $until::TIMESTAMP, true)
