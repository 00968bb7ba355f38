//! What several transcripts tell of the same response or call counts once.

use serde_json::{Value, json};
use session_host_tests::World;

/// A world in which the usage processor has processed these sessions.
fn processed(sessions: &[(&str, &[Value])]) -> World {
    let mut world = World::with(&["usage"]);
    world.config("[processors.usage]\ncurated_plugins = [\"bakery\"]\n");
    world.set_variable("SESSION_HOST_RECURSIVE", "true");
    for (session, lines) in sessions {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        world.write(session, lines.join("\n"));
    }
    drop(world.run(&["usage"]).exits(0));
    world
}

/// A line of the first minute, with more fields.
fn line(kind: &str, second: u32, more: Value) -> Value {
    let mut line = json!({"type": kind, "timestamp": format!("2026-03-01T09:00:{second:02}Z"), "sessionId": "s1"});
    let (line_fields, more) = (line.as_object_mut().unwrap(), more.as_object().unwrap());
    line_fields.extend(more.clone());
    line
}

/// A response of so many tokens, to a prompt of ten times as many.
fn response(second: u32, message: &str, request: Option<&str>, output: u32) -> Value {
    let usage = json!({"input_tokens": 10 * output, "output_tokens": output});
    let message = json!({"id": message, "model": "claude-opus-4-6", "usage": usage});
    line("assistant", second, json!({"message": message, "requestId": request}))
}

fn with(mut line: Value, more: Value) -> Value {
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// The output of each response that counts, in the order of time.
fn counted(world: &World) -> Vec<u64> {
    let rows = world.rows("SELECT output_tokens FROM usage_responses ORDER BY occurred_at, output_tokens");
    rows.iter().map(|row| row["output_tokens"].as_u64().unwrap()).collect()
}

#[test]
fn a_branch_repeats_the_calls_and_commands_of_its_session() {
    let call = json!({"content": [{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}]});
    let failed = json!({"content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true}]});
    let command = json!({"content": "<command-name>/bakery:bake</command-name>"});
    let first = [
        line("user", 1, json!({"uuid": "u1", "message": command})),
        line("assistant", 2, json!({"uuid": "u2", "message": call})),
        line("user", 3, json!({"uuid": "u3", "message": failed})),
    ];
    let copy = |line: &Value, uuid: &str| {
        let origin = json!({"sessionId": "s1", "messageUuid": line["uuid"]});
        with(
            line.clone(),
            json!({"uuid": uuid, "sessionId": "s2", "forkedFrom": origin}),
        )
    };
    let branch = [copy(&first[0], "v1"), copy(&first[1], "v2")];
    let world = processed(&[("alice/a.jsonl", &first), ("alice/b.jsonl", &branch)]);

    assert_eq!(world.count("usage_events"), 4);
    let tools = world.rows("SELECT tool_name, invocations, error_count FROM usage_tool_daily");
    assert_eq!(
        tools,
        [json!({"tool_name": "Bash", "invocations": 1, "error_count": 1})]
    );
    let items = world.rows("SELECT name, invocations FROM usage_marketplace_item_daily ORDER BY ALL");
    assert_eq!(
        items,
        [
            json!({"name": "bake", "invocations": 1}),
            json!({"name": "bakery", "invocations": 1})
        ]
    );
}

#[test]
fn a_side_question_repeats_the_responses_of_its_session() {
    let side = |line| with(line, json!({"isSidechain": true}));
    let world = processed(&[
        (
            "alice/a.jsonl",
            &[
                response(1, "msg_1", Some("req_1"), 1),
                response(2, "msg_2", Some("req_2"), 2),
            ],
        ),
        (
            "alice/a/subagents/agent-aside_question-1.jsonl",
            &[
                side(response(1, "msg_1", Some("req_9"), 1)),
                side(response(2, "msg_2", Some("req_9"), 2)),
                side(response(3, "msg_3", Some("req_9"), 3)),
            ],
        ),
        (
            "alice/a/subagents/agent-aside_question-2.jsonl",
            &[side(response(2, "msg_2", Some("req_8"), 2))],
        ),
    ]);
    assert_eq!(counted(&world), [1, 2, 3]);
    assert_eq!(
        world.count("(FROM usage_responses WHERE is_sidechain AND message_id <> 'msg_3')"),
        0
    );
}

#[test]
fn responses_that_a_gateway_gives_one_identifier_count_in_each_session() {
    let of_session = |line, session: &str| with(line, json!({"sessionId": session}));
    let world = processed(&[
        ("alice/a.jsonl", &[response(1, "relay", None, 1)]),
        ("alice/b.jsonl", &[of_session(response(2, "relay", None, 2), "s2")]),
        // A branch of the first, which keeps its times.
        (
            "alice/c.jsonl",
            &[
                of_session(response(1, "relay", None, 1), "s3"),
                of_session(response(3, "msg_3", None, 3), "s3"),
            ],
        ),
    ]);
    assert_eq!(counted(&world), [1, 2, 3]);
}

#[test]
fn responses_under_one_identifier_count_by_their_requests() {
    let world = processed(&[(
        "alice/a.jsonl",
        &[
            response(1, "relay", Some("req_1"), 1),
            response(2, "relay", Some("req_2"), 2),
            with(response(3, "relay", Some("req_3"), 3), json!({"isSidechain": true})),
        ],
    )]);
    assert_eq!(counted(&world), [1, 2, 3]);
}

/// A response of a gateway that tells of no prompt.
fn relayed_by_gateway(second: u32, request: Option<&str>, output: u32, session: &str, is_sidechain: bool) -> Value {
    let usage = json!({"input_tokens": 0, "output_tokens": output});
    let message = json!({"id": "relay", "model": "claude-opus-4-6", "usage": usage});
    let line = response(second, "relay", request, output);
    with(
        line,
        json!({"message": message, "sessionId": session, "isSidechain": is_sidechain}),
    )
}

#[test]
fn responses_of_subagents_under_one_identifier_count_by_their_requests() {
    let of = |second: u32, session: &str| {
        relayed_by_gateway(second, Some(&format!("req_{second}")), 1 + second % 2, session, true)
    };
    let world = processed(&[
        ("alice/a/subagents/agent-1.jsonl", &[of(1, "s1")]),
        ("alice/b/subagents/agent-1.jsonl", &[of(2, "s2")]),
        (
            "alice/c/subagents/agent-1.jsonl",
            &[of(3, "s3"), of(4, "s3"), of(5, "s3")],
        ),
    ]);
    assert_eq!(counted(&world), [2, 1, 2, 1, 2]);
    assert_eq!(world.count("usage_messages"), 5);
}

#[test]
fn a_subagent_of_another_session_repeats_nothing_of_a_gateway() {
    let other = json!({"sessionId": "s2", "isSidechain": true});
    let world = processed(&[
        ("alice/a.jsonl", &[response(1, "relay", Some("q0"), 5)]),
        (
            "alice/b/subagents/agent-1.jsonl",
            &[with(response(2, "relay", Some("q1"), 5), other)],
        ),
    ]);
    assert_eq!(counted(&world), [5, 5]);
}

#[test]
fn sessions_of_a_gateway_count_apart_though_they_began_together() {
    let world = processed(&[
        ("alice/a.jsonl", &[relayed_by_gateway(1, None, 3, "s1", false)]),
        ("alice/b.jsonl", &[relayed_by_gateway(1, None, 4, "s2", false)]),
    ]);
    assert_eq!(counted(&world), [3, 4]);
}

#[test]
fn models_under_one_identifier_count_apart() {
    let of = |second, model: &str| {
        let usage = json!({"input_tokens": 10, "output_tokens": second});
        let message = json!({"id": "relay", "model": model, "usage": usage});
        line("assistant", second, json!({"message": message}))
    };
    let lines = [of(1, "claude-opus-4-6"), of(2, "claude-haiku-4-5")];
    assert_eq!(counted(&processed(&[("alice/a.jsonl", &lines)])), [1, 2]);
}

#[test]
fn a_copy_of_a_vendors_message_is_known_without_a_request() {
    let begun = json!({"message": {"id": "msg_bdrk_1", "model": "claude-opus-4-6",
        "usage": {"input_tokens": 500, "output_tokens": 1}}, "sessionId": "s2"});
    let side = json!({"isSidechain": true});
    let world = processed(&[
        (
            "alice/a.jsonl",
            &[
                response(2, "msg_bdrk_1", None, 50),
                line_of_branch(
                    3,
                    json!({"type": "agent_progress", "message": response(3, "msg_2", None, 7)}),
                ),
                response(4, "msg_3", Some("req_3"), 9),
            ],
        ),
        ("alice/b.jsonl", &[with(response(1, "msg_bdrk_1", None, 1), begun)]),
        (
            "alice/a/subagents/agent-1.jsonl",
            &[
                with(response(3, "msg_2", Some("req_2"), 7), side.clone()),
                with(response(4, "msg_3", None, 9), side),
            ],
        ),
    ]);
    assert_eq!(counted(&world), [50, 7, 9]);
}

#[test]
fn what_only_another_files_copy_tells_is_kept() {
    let world = processed(&[
        ("alice/a.jsonl", &[response(1, "msg_1", Some("req_1"), 5)]),
        (
            "alice/b.jsonl",
            &[with(
                response(1, "msg_1", Some("req_1"), 5),
                json!({"costUSD": 0.25, "message": {"id": "msg_1", "model": "claude-opus-4-6",
                    "usage": {"input_tokens": 50, "output_tokens": 5, "speed": "fast", "service_tier": "batch",
                        "inference_geo": "us", "server_tool_use": {"web_search_requests": 2}}}}),
            )],
        ),
    ]);
    let told = world.rows(
        "SELECT cost_usd, speed, service_tier, inference_geo, web_search_requests AS searches FROM usage_responses",
    );
    let expected =
        json!({"cost_usd": 0.25, "speed": "fast", "service_tier": "batch", "inference_geo": "us", "searches": 2});
    assert_eq!(told, [expected]);
}

#[test]
fn an_advisor_is_the_same_however_much_of_its_response_is_listed() {
    let of = |iterations: Value| {
        let usage = json!({"input_tokens": 3, "output_tokens": 5, "iterations": iterations});
        let message = json!({"id": "msg_1", "model": "claude-opus-4-6", "usage": usage});
        line(
            "assistant",
            1,
            json!({"message": message, "requestId": "req_1", "costUSD": 0.5}),
        )
    };
    let advisor =
        json!({"type": "advisor_message", "model": "claude-opus-4-7", "input_tokens": 40, "output_tokens": 20});
    let world = processed(&[(
        "alice/a.jsonl",
        &[of(json!([advisor])), of(json!([{"type": "message"}, advisor]))],
    )]);
    let costs = world.rows("SELECT output_tokens, cost_usd FROM usage_responses ORDER BY 1");
    let expected = [
        json!({"output_tokens": 5, "cost_usd": 0.5}),
        json!({"output_tokens": 20, "cost_usd": 0.0}),
    ];
    assert_eq!(costs, expected);
}

#[test]
fn a_subagents_responses_count_once_wherever_they_stand() {
    let relayed = |second, line: Value| {
        let data = json!({"type": "agent_progress", "message": line});
        line_of_branch(second, data)
    };
    let begun = with(
        response(2, "msg_1", Some("req_1"), 5),
        json!({"message": {"id": "msg_1", "usage": {"input_tokens": 50, "output_tokens": 1}}}),
    );
    let world = processed(&[
        (
            "alice/a.jsonl",
            &[
                relayed(3, begun),
                relayed(4, response(3, "msg_2", Some("req_2"), 7)),
                relayed(5, response(4, "msg_3", Some("req_3"), 9)),
            ],
        ),
        (
            "alice/a/subagents/agent-1.jsonl",
            &[with(
                response(2, "msg_1", Some("req_1"), 5),
                json!({"isSidechain": true}),
            )],
        ),
    ]);
    assert_eq!(counted(&world), [5, 7, 9]);
    assert_eq!(world.count("(FROM usage_responses WHERE is_sidechain)"), 3);
    let places =
        world.rows("SELECT DISTINCT cwd, git_branch FROM usage_responses WHERE session_file = 'alice/a.jsonl'");
    assert_eq!(places, [json!({"cwd": "/bakery", "git_branch": "main"})]);
    assert_eq!(world.count("usage_events"), 0);
}

fn line_of_branch(second: u32, data: Value) -> Value {
    line(
        "progress",
        second,
        json!({"data": data, "cwd": "/bakery", "gitBranch": "main"}),
    )
}

#[test]
fn a_sessions_summary_is_the_sum_of_its_messages() {
    let usage = json!({"input_tokens": 3, "output_tokens": 5, "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
        "iterations": [{"type": "message"}, {"type": "advisor_message", "model": "claude-opus-4-7",
            "input_tokens": 40, "output_tokens": 20}]});
    let message = json!({"id": "msg_1", "model": "claude-opus-4-6", "usage": usage});
    let answer = line("assistant", 1, json!({"message": message, "requestId": "req_1"}));
    let synthetic = json!({"id": "x", "model": "<synthetic>", "usage": {"output_tokens": 0}});
    let synthetic = line("assistant", 2, json!({"message": synthetic}));
    let relayed = json!({"type": "agent_progress", "message": synthetic});
    let relayed = line("progress", 3, json!({"data": relayed}));
    let world = processed(&[("alice/a.jsonl", &[answer.clone(), answer, synthetic, relayed])]);

    let messages = world.rows(
        "SELECT model, input_tokens, output_tokens, cache_creation_5m_tokens AS kept_5m, cache_creation_1h_tokens AS kept_1h
         FROM usage_messages ORDER BY model",
    );
    let expected = [
        json!({"model": "claude-opus-4-6", "input_tokens": 3, "output_tokens": 5, "kept_5m": 800, "kept_1h": 200}),
        json!({"model": "claude-opus-4-7", "input_tokens": 40, "output_tokens": 20, "kept_5m": 0, "kept_1h": 0}),
    ];
    assert_eq!(messages, expected);
    let summary = world.rows(
        "SELECT responses, assistant_messages, primary_model, input_tokens, output_tokens, cache_creation_tokens
         FROM usage_session_summary",
    );
    let expected = json!({"responses": 2, "assistant_messages": 3, "primary_model": "claude-opus-4-6",
        "input_tokens": 43, "output_tokens": 25, "cache_creation_tokens": 1000});
    assert_eq!(summary, [expected]);
}
