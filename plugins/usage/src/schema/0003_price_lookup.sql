-- What a response costs is derived from these tables, whose rows come with the plugin and its configuration: other rows
-- reprice all that is stored.

CREATE TABLE usage_prices (
    model          VARCHAR NOT NULL, -- as the list names it
    mode           VARCHAR NOT NULL, -- standard, fast, batch
    valid_from     DATE,             -- null: since ever
    valid_until    DATE,             -- null: until another price is known
    minute_from    BIGINT NOT NULL,  -- of the day, in UTC
    minute_until   BIGINT NOT NULL,
    prompt_from    BIGINT NOT NULL,  -- tokens of the prompt: input, and what the cache gave and took
    prompt_until   BIGINT,           -- null: however many
    input          DOUBLE NOT NULL,  -- USD per million tokens, as the next four
    output         DOUBLE NOT NULL,
    cache_read     DOUBLE NOT NULL,
    cache_write_5m DOUBLE NOT NULL,
    cache_write_1h DOUBLE NOT NULL,
    web_search     DOUBLE NOT NULL,  -- USD per request
    source         VARCHAR NOT NULL
);

-- In lower case, with dashes in the place of dots.
CREATE TABLE usage_price_names (
    name  VARCHAR NOT NULL,
    model VARCHAR NOT NULL
);

-- What multiplies the price of tokens: the region of a Bedrock name, or where the response was computed.
CREATE TABLE usage_price_factors (
    model        VARCHAR NOT NULL,
    circumstance VARCHAR NOT NULL, -- region, inference_geo
    value        VARCHAR NOT NULL,
    factor       DOUBLE NOT NULL
);

CREATE TABLE usage_cost_setting (
    cost VARCHAR NOT NULL -- auto, calculate, recorded
);

-- The models as responses name them, and as the price list does. A name is another's only where nothing but the provider's
-- wrapping or a date tells them apart: `claude-opus-5` is neither `claude-opus-5-5` nor `claude-opus-6`.
CREATE VIEW usage_models AS
WITH written AS (
    SELECT DISTINCT model FROM usage_stored_messages WHERE model IS NOT NULL
),
-- Bedrock's ARNs of a foundation model or a profile (those of an application do not tell the model), Vertex's paths, and
-- gateways.
direct AS (
    SELECT model,
           regexp_replace(
               regexp_replace(lower(model), '^arn:aws[a-z-]*:bedrock:[a-z0-9-]*:[0-9]*:(inference-profile|foundation-model)/', ''),
               '^(bedrock/(converse/|invoke/|[a-z]{2}-[a-z-]+-[0-9]+/)?|bedrock_converse/|vertex_ai/|openrouter/'
               || '|azure/|azure_ai/|github_copilot/|models/'
               || '|(projects/[^/]+/locations/[^/]+/)?publishers/(anthropic|google|mistralai|deepseek-ai|qwen)/models/)',
               ''
           ) AS name
    FROM written
),
-- `us.anthropic.claude-...` of Bedrock; `vendor/model` of the others.
own AS (
    SELECT model,
           nullif(regexp_extract(name, '^([a-z-]+)[.]anthropic[.]', 1), '') AS region,
           regexp_replace(
               regexp_replace(name, '^((us-gov|us|eu|apac|jp|au|ca|global)[.])?anthropic[.]', ''),
               '^(anthropic|openai|google|gemini|x-ai|xai|mistralai|mistral|deepseek|moonshotai|moonshot|z-ai|zai-org|zai|qwen|dashscope)/',
               ''
           ) AS name
    FROM direct
),
-- The agent's mark of a long context, Vertex's date, OpenRouter's variants of one price, Bedrock's version.
bare AS (
    SELECT model,
           region,
           regexp_replace(
               regexp_replace(regexp_replace(name, '\[1m\]$', ''), '(@(default|latest|[0-9]{8})|:(thinking|beta|exacto))$', ''),
               '^(claude-.+)-v[0-9]+(:[0-9]+)?$', '\1'
           ) AS name
    FROM own
),
-- OpenRouter writes the version of newer models before their line: `claude-4.5-sonnet`.
ordered AS (
    SELECT model,
           region,
           regexp_replace(
               replace(name, '.', '-'), '^claude-([4-9](-[0-9]{1,2})?)-(opus|sonnet|haiku)(-|$)', 'claude-\3-\1\4'
           ) AS name
    FROM bare
),
named AS (
    SELECT model,
           region,
           replace(lower(model), '.', '-') AS as_written,
           name,
           regexp_replace(name, '-([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|latest)$', '') AS undated
    FROM ordered
)
SELECT named.model,
       coalesce(as_written.model, exact.model, undated.model) AS listed_model,
       named.region
FROM named
LEFT JOIN usage_price_names AS as_written ON as_written.name = named.as_written
LEFT JOIN usage_price_names AS exact ON exact.name = named.name
LEFT JOIN usage_price_names AS undated ON undated.name = named.undated;

-- The prices of the models as responses name them, in USD per token.
CREATE VIEW usage_rates AS
SELECT models.model,
       models.listed_model,
       prices.mode,
       coalesce(prices.valid_from::TIMESTAMP, TIMESTAMP '0001-01-01') AS valid_from,
       coalesce(prices.valid_until::TIMESTAMP, TIMESTAMP '9999-12-31') AS valid_until,
       prices.minute_from,
       prices.minute_until,
       prices.prompt_from,
       coalesce(prices.prompt_until, 9223372036854775807) AS prompt_until,
       coalesce(region.factor, 1) * prices.input / 1e6 AS input,
       coalesce(region.factor, 1) * prices.output / 1e6 AS output,
       coalesce(region.factor, 1) * prices.cache_read / 1e6 AS cache_read,
       coalesce(region.factor, 1) * prices.cache_write_5m / 1e6 AS cache_write_5m,
       coalesce(region.factor, 1) * prices.cache_write_1h / 1e6 AS cache_write_1h,
       prices.web_search
FROM usage_models AS models
JOIN usage_prices AS prices ON prices.model = models.listed_model
LEFT JOIN usage_price_factors AS region
       ON region.model = models.listed_model AND region.circumstance = 'region' AND region.value = models.region;
