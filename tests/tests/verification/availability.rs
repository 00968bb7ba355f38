//! When the processor serves, and what it says when it does not.

use model_server::ModelServer;
use session_host_tests::World;

use crate::scene::{Scene, conversation, model_that_reports};

/// Why the processor is unavailable under these settings.
#[track_caller]
fn reason(settings: &str) -> String {
    let world = World::with(&["verification"]);
    world.config(settings);
    let listing = world.processors();
    let listed = listing.files.first().expect("the plugin is listed");
    assert_eq!(
        (listed.status.as_str(), listed.processor.as_deref()),
        ("unavailable", Some("verification"))
    );
    listed.reason.clone().unwrap()
}

#[test]
fn without_a_model_it_is_unavailable_and_says_what_to_set() {
    for settings in ["", "[processors.verification]\n"] {
        let reason = reason(settings);
        assert!(
            reason.contains("set `model`") && reason.contains("[processors.verification]"),
            "{reason}"
        );
    }
}

#[test]
fn a_run_of_others_goes_on_without_it() {
    let world = World::with(&["verification", "usage"]);
    world.write("alice/a.jsonl", conversation(&["hello"]));
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result_of("usage").processed, 1);
    let refused = world.run(&["verification"]).exits(2);
    refused.tells("is unavailable: no model is configured");
    assert_eq!(world.count("knowledge_items"), 0);
}

#[test]
fn a_missing_key_and_an_unknown_setting_are_named() {
    for (setting, said) in [
        ("api_key_env = \"NO_SUCH_KEY\"", "NO_SUCH_KEY"),
        ("api_key_file = \"/no/such/key\"", "/no/such/key"),
        ("api_key = \"sk-test-7c1f0e9d2b\"", "unknown field `api_key`"),
        ("api_key_env = \"sk-test-7c1f0e9d2b\"", "api_key_env"),
        (
            "base_url = \"http://models.internal\"",
            "there is no key for models.internal",
        ),
        ("temperature = 0.5", "unknown field `temperature`"),
        ("max_attempts = 0", "max_attempts"),
    ] {
        let reason = reason(&format!("[processors.verification]\nmodel = \"m\"\n{setting}\n"));
        assert!(reason.contains(said) && !reason.contains("7c1f"), "{reason}");
    }
}

#[test]
fn a_session_without_turns_is_done_without_asking() {
    let scene = Scene::new(ModelServer::scripted([]));
    let tool_result =
        r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}}"#;
    scene.world.write(
        "alice/a.jsonl",
        format!("{}\n{tool_result}\n", r#"{"type":"summary","summary":"s"}"#),
    );
    assert_eq!(scene.processed(1), 0);
    assert!(scene.model.requests().is_empty());
    let row = &scene.rows("SELECT turns, requests, model FROM verification_session")[0];
    assert_eq!(row.to_string(), r#"{"model":null,"requests":0,"turns":0}"#);
}

#[test]
fn an_unchanged_session_is_not_asked_about_again() {
    let scene = Scene::new(model_that_reports(vec![]));
    scene.world.write("alice/a.jsonl", conversation(&["hello"]));
    assert_eq!(scene.processed(1), 0);
    assert_eq!(scene.processed(0), 0);
    assert_eq!(scene.model.requests().len(), 1);
}
