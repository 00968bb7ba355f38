//! A session from transcript to tables, in both formats.

use model_server::ModelServer;
use serde_json::json;
use session_host_tests::World;

use crate::scene::{KEY, Scene, conversation, model_that_reports, verification};

const QUOTE: &str = "refunds over 50 EUR need the team lead";

fn model() -> ModelServer {
    let content = "Refunds over 50 EUR need the approval of the team lead.";
    model_that_reports(vec![verification("correction", content, QUOTE)])
}

#[track_caller]
fn check_tables(world: &World) {
    let items = "SELECT id, title, category, domain, entities::VARCHAR AS entities, confidence, status, source_user,
                        source_ref, source_type, created_at, updated_at FROM knowledge_items";
    assert_eq!(
        world.rows(items),
        [json!({
            "id": "kv_18396901e27b", "title": "Refunds", "category": "business_logic", "domain": "finance",
            "entities": r#"["refund","team lead"]"#, "confidence": 0.9, "status": "pending", "source_user": "alice",
            "source_ref": "session-3f2c-alice", "source_type": "user_verification",
            "created_at": "2026-03-01 09:01:00", "updated_at": "2026-03-01 09:01:00",
        })]
    );
    let evidence = "SELECT item_id, source_user, source_ref, session_file, detection_type, user_quote, created_at
                    FROM verification_evidence";
    assert_eq!(
        world.rows(evidence),
        [json!({
            "item_id": "kv_18396901e27b", "source_user": "alice", "source_ref": "session-3f2c-alice",
            "session_file": "alice/3f2c.jsonl", "detection_type": "correction", "user_quote": QUOTE,
            "created_at": "2026-03-01 09:01:00",
        })]
    );
    let session =
        "SELECT turns, turns_sent, model, requests, input_tokens, output_tokens, verifications, quotes_dropped,
                          items_new FROM verification_session";
    assert_eq!(
        world.rows(session),
        [json!({
            "turns": 4, "turns_sent": 4, "model": "test-model", "requests": 1, "input_tokens": 100, "output_tokens": 20,
            "verifications": 1, "quotes_dropped": 0, "items_new": 1,
        })]
    );
}

fn transcript() -> String {
    conversation(&["Who approves refunds?", &format!("No, {QUOTE}.")])
}

#[test]
fn the_format_of_anthropic() {
    let scene = Scene::new(model());
    scene.world.write("alice/3f2c.jsonl", transcript());
    assert_eq!(scene.processed(1), 1);
    check_tables(&scene.world);
    let request = &scene.model.requests()[0];
    assert_eq!(
        (request.path.as_str(), request.header("x-api-key")),
        ("/v1/messages", Some(KEY))
    );
}

/// A world in which the model is spoken to in the format of OpenAI, without a key.
fn world_of_openai(model: &ModelServer) -> World {
    let world = World::with(&["verification"]);
    world.config(&format!(
        "[processors.verification]\nformat = \"openai\"\nmodel = \"test-model\"\nbase_url = \"{}/v1\"\n",
        model.url()
    ));
    world.write("alice/3f2c.jsonl", transcript());
    world
}

#[test]
fn the_format_of_openai_without_a_key() {
    let model = model();
    let world = world_of_openai(&model);
    assert_eq!(world.run(&["verification"]).exits(0).result().items_extracted, 1);
    check_tables(&world);
    let request = &model.requests()[0];
    assert_eq!(
        (request.path.as_str(), request.header("authorization")),
        ("/v1/chat/completions", None)
    );
}

#[test]
fn the_format_of_openai_tells_limits_in_words() {
    let model = model();
    let world = world_of_openai(&model);
    drop(world.run(&["verification"]).exits(0));
    let schema = &model.requests()[0].json()["response_format"]["json_schema"]["schema"];
    let verifications = &schema["properties"]["verifications"];
    assert_eq!(verifications["description"], "at most 100 elements");
    let fields = &verifications["items"]["properties"];
    for (field, limit) in [
        ("title", "1 to 60 characters"),
        ("content", "1 to 500 characters"),
        ("user_quote", "at most 4000 characters"),
        ("entities", "at most 50 elements"),
    ] {
        assert_eq!(fields[field]["description"], limit);
    }
    assert!(!schema.to_string().contains("maxLength"));
}

#[test]
fn the_last_hundred_turns_are_sent_and_no_traffic_of_tools() {
    let scene = Scene::new(model_that_reports(vec![]));
    let said: Vec<String> = (0..59).map(|number| format!("turn number {number}.")).collect();
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    let tools = [
        json!({"type": "assistant", "message": {"content": [
            {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "cat /etc/hidden"}}]}}),
        json!({"type": "user", "message": {"content": [
            {"type": "tool_result", "tool_use_id": "t", "content": "hidden result"}]}}),
        json!({"type": "user", "isSidechain": true, "message": {"content": "hidden sidechain"}}),
        json!({"type": "user", "isMeta": true, "message": {"content": "hidden meta"}}),
    ];
    let tools: Vec<String> = tools.iter().map(|line| format!("{line}\n")).collect();
    scene
        .world
        .write("alice/a.jsonl", conversation(&said) + &tools.concat());
    assert_eq!(scene.processed(1), 0);
    let data = scene.model.requests()[0].data();
    assert!(!data.contains("turn number 8.") && data.contains("turn number 9.") && data.contains("turn number 58."));
    assert!(!data.contains("hidden"), "{data}");
    let sent = scene.rows("SELECT turns, turns_sent FROM verification_session");
    assert_eq!(sent, [json!({"turns": 118, "turns_sent": 100})]);
}
