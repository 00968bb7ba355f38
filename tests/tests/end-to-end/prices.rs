//! What responses cost: by the list that comes with the plugin, under the names that providers give models, on their day.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::World;

/// A response, as a transcript tells it.
struct Response {
    model: &'static str,
    day: &'static str,
    /// Input, output, tokens read from the cache, and written to it for five minutes.
    tokens: [u64; 4],
    /// What else `usage` says.
    more: Value,
    /// What the line says that it cost.
    recorded: Option<f64>,
}

/// A hundred thousand tokens of input, ten thousand of output, a million read from the cache.
fn large(model: &'static str) -> Response {
    Response {
        model,
        day: "2026-11-20",
        tokens: [100_000, 10_000, 1_000_000, 0],
        more: json!({}),
        recorded: None,
    }
}

/// A hundred thousand tokens of input.
fn input(model: &'static str) -> Response {
    Response {
        tokens: [100_000, 0, 0, 0],
        ..large(model)
    }
}

impl Response {
    fn on(self, day: &'static str) -> Self {
        Self { day, ..self }
    }

    fn with(self, more: Value) -> Self {
        Self { more, ..self }
    }

    fn of(self, tokens: [u64; 4]) -> Self {
        Self { tokens, ..self }
    }

    fn recorded(self, usd: f64) -> Self {
        Self {
            recorded: Some(usd),
            ..self
        }
    }

    fn line(&self, place: usize) -> String {
        let [input, output, read, written] = self.tokens;
        let mut usage = json!({
            "input_tokens": input, "output_tokens": output,
            "cache_read_input_tokens": read, "cache_creation_input_tokens": written,
        });
        let more = self.more.as_object().unwrap().clone();
        usage.as_object_mut().unwrap().extend(more);
        let mut line = json!({
            "type": "assistant", "uuid": format!("u{place}"), "requestId": format!("r{place}"), "sessionId": "s",
            "timestamp": format!("{}T12:00:00Z", self.day),
            "message": {"id": format!("m{place:03}"), "role": "assistant", "model": self.model, "content": [], "usage": usage},
        });
        if let Some(usd) = self.recorded {
            line["costUSD"] = json!(usd);
        }
        format!("{line}\n")
    }
}

/// A world in which these responses stand in one session that was processed.
fn world_of(responses: &[Response]) -> World {
    let world = World::with(&["usage"]);
    let lines = (0..).zip(responses).map(|(place, response)| response.line(place));
    world.write("alice/a.jsonl", lines.collect::<String>());
    drop(world.run(&[]).exits(0));
    world
}

/// What the responses cost, rounded to a millionth.
fn costs(world: &World) -> Vec<Value> {
    let rows = world.rows("SELECT round(cost_usd, 6) AS usd FROM usage_responses ORDER BY message_id");
    rows.into_iter().map(|row| row["usd"].clone()).collect()
}

/// Checks that each response costs what stands beside it.
#[track_caller]
fn cost(expected: impl IntoIterator<Item = (Response, Value)>) {
    let (responses, usd): (Vec<Response>, Vec<Value>) = expected.into_iter().unzip();
    let found = costs(&world_of(&responses));
    for ((response, usd), found) in responses.iter().zip(usd).zip(found) {
        assert_eq!(found, usd, "{} on {}, {}", response.model, response.day, response.more);
    }
}

/// Checks that this response of each of the models costs what stands before them.
#[track_caller]
fn cost_of_models(response: fn(&'static str) -> Response, expected: &[(Value, &[&'static str])]) {
    let of_one_price = |(usd, models): &(Value, &[&'static str])| {
        let usd = usd.clone();
        models
            .iter()
            .map(move |model| (response(model), usd.clone()))
            .collect::<Vec<_>>()
    };
    cost(expected.iter().flat_map(of_one_price));
}

#[test]
fn each_model_has_its_own_price() {
    cost_of_models(
        large,
        &[
            (json!(0.8), &["claude-opus-5-5", "claude-opus-5-5-20260930"]),
            (json!(1.25), &["claude-opus-5"]),
            (json!(0.4), &["claude-sonnet-5-5"]),
            (json!(1.75), &["claude-fable-5-1", "claude-mythos-5-1"]),
            (json!(0.125), &["claude-haiku-5-5"]),
            (
                Value::Null,
                &["claude-opus-6", "claude-opus-5-5-preview", "claude-opus"],
            ),
        ],
    );
}

#[test]
fn providers_give_a_model_names_of_their_own() {
    let sonnet: &[&str] = &[
        "claude-sonnet-4-5-20250929",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "apac.anthropic.claude-sonnet-4-20250514-v1:0",
        "anthropic/claude-sonnet-4.5",
        "anthropic/claude-3.7-sonnet:thinking",
        "claude-3-7-sonnet-latest",
        "projects/P/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929",
        "anthropic/claude-4.5-sonnet",
        "anthropic/claude-4.5-sonnet-20250929",
    ];
    let opus: &[&str] = &[
        "arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-opus-4-6-v1",
        "vertex_ai/claude-opus-4-6@default",
        "openrouter/anthropic/claude-opus-4.6",
        "bedrock/us-east-1/anthropic.claude-opus-4-6-v1",
        "claude-opus-4-6[1m]",
        "publishers/anthropic/models/claude-opus-4-6@default",
        "azure_ai/claude-opus-4-6",
        "github_copilot/claude-opus-4.6",
    ];
    let opus_in_the_us: &[&str] = &[
        "arn:aws:bedrock:us-west-2:1:inference-profile/us.anthropic.claude-opus-4-6-v1",
        "bedrock_converse/us.anthropic.claude-opus-4-6-v1:0",
    ];
    let of_others: &[&str] = &["openai/gpt-5-2025-08-07", "models/gemini-2.5-pro", "azure/gpt-5"];
    let unknown: &[&str] = &[
        "arn:aws:bedrock:us-west-2:1:application-inference-profile/a1b2",
        "anthropic/claude-3.7-sonnet:free",
        "someone/claude-opus-4-6",
        "anthropic/claude-4.5-sonnet:nitro",
        "anthropic/claude-sonnet-4.5:online",
    ];
    cost_of_models(
        input,
        &[
            (json!(0.3), sonnet),
            (json!(0.33), &["eu.anthropic.claude-sonnet-4-5-20250929-v1:0"]),
            (json!(0.5), opus),
            (json!(0.55), opus_in_the_us),
            (json!(0.1), &["claude-haiku-4-5@20251001"]),
            (json!(0.125), of_others),
            (json!(0.06), &["GLM-4.6", "zai-org/GLM-4.6"]),
            (Value::Null, unknown),
        ],
    );
}

#[test]
fn the_circumstances_of_a_response_have_prices() {
    let fast = || json!({"speed": "fast"});
    let batch = || json!({"service_tier": "batch"});
    let us = || json!({"inference_geo": "us"});
    cost([
        (large("claude-opus-5").with(fast()), json!(2.5)),
        (large("claude-opus-4-6").with(fast()), json!(7.5)),
        (large("claude-opus-4-8").with(fast()), json!(2.5)),
        (
            large("claude-opus-4-8").with(json!({"speed": "standard", "service_tier": "priority"})),
            json!(1.25),
        ),
        (large("claude-sonnet-5-5").with(fast()), Value::Null),
        (input("claude-opus-4-1").with(batch()), json!(0.75)),
        (large("claude-haiku-5-5").with(batch()), json!(0.0625)),
        (input("claude-opus-4-6").with(us()), json!(0.55)),
        (
            input("claude-opus-4-6").with(json!({"inference_geo": "global"})),
            json!(0.5),
        ),
        (input("claude-opus-4-5").with(us()), json!(0.5)),
        (
            input("claude-opus-5-5").with(json!({"speed": "fast", "inference_geo": "us"})),
            json!(0.88),
        ),
        (
            input("us.anthropic.claude-sonnet-5-5").with(json!({"server_tool_use": {"web_search_requests": 3}})),
            json!(0.25),
        ),
    ]);
}

#[test]
fn a_larger_prompt_costs_more_as_a_whole() {
    cost([
        (
            large("claude-sonnet-4-5-20250929").of([100_000, 1_000, 100_000, 0]),
            json!(0.345),
        ),
        (
            large("claude-sonnet-4-5-20250929").of([100_001, 1_000, 100_000, 0]),
            json!(0.682506),
        ),
        (
            large("claude-sonnet-4-20250514").of([0, 1_000, 0, 300_000]),
            json!(2.2725),
        ),
        (large("claude-haiku-5-5").of([100_000, 0, 0, 0]), json!(0.01)),
        (large("claude-haiku-5-5").of([99_999, 0, 2, 0]), json!(0.05)),
        (large("claude-haiku-5-5").of([0, 1_000, 0, 0]), json!(0.0005)),
    ]);
}

#[test]
fn the_price_of_the_day_counts() {
    let tokens = [200_000, 0, 100_000, 0];
    cost([
        (large("claude-opus-4-6").of(tokens).on("2026-03-12"), json!(2.1)),
        (large("claude-opus-4-6").of(tokens).on("2026-03-13"), json!(1.05)),
        (large("claude-sonnet-4-6").of(tokens).on("2026-03-12"), json!(1.26)),
        (large("claude-sonnet-4-6").of(tokens).on("2026-03-13"), json!(0.63)),
    ]);
}

#[test]
fn the_configuration_says_which_cost_counts() {
    let world = world_of(&[
        input("claude-opus-5-5").recorded(0.25),
        input("claude-opus-5-5"),
        input("house-model").recorded(0.5),
    ]);
    assert_eq!(costs(&world), [json!(0.25), json!(0.4), json!(0.5)]);
    for (setting, expected) in [
        ("calculate", [json!(0.4), json!(0.4), Value::Null]),
        ("recorded", [json!(0.25), Value::Null, json!(0.5)]),
        ("auto", [json!(0.25), json!(0.4), json!(0.5)]),
    ] {
        world.config(&format!("[processors.usage]\ncost = \"{setting}\""));
        let ran = world.run(&[]).exits(0);
        assert_eq!(
            (ran.result().processed, costs(&world)),
            (0, expected.to_vec()),
            "{setting}"
        );
    }
}

#[test]
fn another_price_reprices_what_is_stored_without_its_transcript() {
    let world = world_of(&[
        large("claude-opus-5-5"),
        large("house.model-1"),
        large("house.model-1-mini"),
    ]);
    assert_eq!(costs(&world), [json!(0.8), Value::Null, Value::Null]);
    fs::remove_dir_all(world.sessions().join("alice")).unwrap();
    let price = "input = 1\noutput = 10\ncache_read = 0.1\ncache_write_5m = 1\ncache_write_1h = 2";
    let config =
        ["claude-opus-5-5", "\"house.model-1\""].map(|name| format!("[processors.usage.prices.{name}]\n{price}\n"));
    world.config(&config.concat());
    drop(world.run(&[]).exits(0));
    assert_eq!(costs(&world), [json!(0.3), json!(0.3), Value::Null]);
    let summary = world.rows("SELECT round(cost_usd, 6) AS usd, unpriced_responses FROM usage_session_summary");
    assert_eq!(summary, [json!({"usd": 0.6, "unpriced_responses": 1})]);
    world.config("");
    drop(world.run(&[]).exits(0));
    assert_eq!(costs(&world), [json!(0.8), Value::Null, Value::Null]);
}

#[test]
fn what_has_no_price_is_named() {
    let world = world_of(&[
        large("claude-opus-5-5"),
        large("house-model").on("2026-10-01"),
        large("house-model"),
        large("claude-sonnet-5-5").with(json!({"speed": "fast"})),
        large("idle-model").of([0, 0, 0, 0]),
        large("searching-model")
            .of([0, 0, 0, 0])
            .with(json!({"server_tool_use": {"web_search_requests": 1}})),
    ]);
    let unpriced = |model: &str, responses: u64, tokens: u64, first_day: &str, reason: &str| {
        json!({
            "model": model, "responses": responses, "tokens": tokens,
            "first_day": first_day, "last_day": "2026-11-20", "reason": reason,
        })
    };
    let expected = [
        unpriced("house-model", 2, 2_220_000, "2026-10-01", "no price of this model"),
        unpriced(
            "claude-sonnet-5-5",
            1,
            1_110_000,
            "2026-11-20",
            "no fast price of this model",
        ),
        unpriced("searching-model", 1, 0, "2026-11-20", "no price of this model"),
    ];
    assert_eq!(world.rows("SELECT * FROM usage_unpriced"), expected);
    world.config("[processors.usage]\ncost = \"recorded\"");
    drop(world.run(&[]).exits(0));
    let reasons = world.rows("SELECT model, reason FROM usage_unpriced WHERE model = 'claude-opus-5-5'");
    assert_eq!(
        reasons,
        [json!({"model": "claude-opus-5-5", "reason": "no recorded cost"})]
    );
}
