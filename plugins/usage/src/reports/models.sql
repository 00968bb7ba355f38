array_to_string(list_sort(list(DISTINCT coalesce(model, '(none)'))), ', ') AS models
