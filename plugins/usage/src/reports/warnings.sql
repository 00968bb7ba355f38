SELECT format('not in the costs: {:d} responses of {} with {:d} tokens, {} to {}: {}',
              responses, model, tokens, first_day, last_day, reason) AS warning
FROM usage_unpriced
