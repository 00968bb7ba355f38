SELECT {called},
       {calls}
FROM chosen
WHERE {condition}
GROUP BY ALL
