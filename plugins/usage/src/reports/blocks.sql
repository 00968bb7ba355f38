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
block AS (
    SELECT username, min(hour) AS began
    FROM hours
    GROUP BY username
    UNION ALL
    SELECT block.username, min(hour)
    FROM block
    JOIN hours ON hours.username = block.username
              AND (hour > began + INTERVAL 5 HOURS OR (hour = began + INTERVAL 5 HOURS AND goes_on))
    GROUP BY block.username, began
),
summed AS (
    SELECT block.username,
           began,
           began + INTERVAL 5 HOURS AS ends,
           count(*) AS responses,
           array_to_string(list_sort(list(DISTINCT coalesce(model, '(none)'))), ', ') AS models,
           sum(input_tokens)::BIGINT AS input_tokens,
           sum(output_tokens)::BIGINT AS output_tokens,
           sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
           sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
           sum(total_tokens)::BIGINT AS total_tokens,
           sum(cost_usd) AS cost_usd,
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
