SELECT format('not in the costs: {:d} {} of {} with {:d} tokens, {}: {}',
              count(*),
              CASE count(*) WHEN 1 THEN 'response' ELSE 'responses' END,
              coalesce(chosen.model, '(none)'),
              try_cast(sum(total_tokens) AS BIGINT),
              CASE
                  WHEN min(day) = max(day) THEN min(day)::VARCHAR
                  ELSE format('{} to {}', min(day), max(day))
              END,
              any_value(reason)) AS warning
FROM chosen
JOIN usage_unpriced AS unpriced ON unpriced.model = coalesce(chosen.model, '(none)')
WHERE is_unpriced
GROUP BY chosen.model
ORDER BY sum(total_tokens) DESC, chosen.model
