SELECT {period},
       {models},
       {usage}
FROM chosen
GROUP BY 1
