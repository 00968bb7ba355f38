//! Tools, skills, subagents, MCP servers, slash commands and the items of the marketplace.

use serde_json::json;
use session_host_tests::World;

use super::{CallResult, Session, rows, world};

const SOURCES: &str = "[processors.usage]
curated_plugins = [\"bakery\"]
flea_entities = { garden = \"plugin\" }
";

const AT: &str = "2026-01-20T10:00:00Z";

/// Calls of alice in one session, and of bob in another.
fn called() -> World {
    let alice = Session::new("a", "/home/alice/shop")
        .call(AT, "Bash", &json!({"command": "make"}), CallResult::Done)
        .call(
            AT,
            "Bash",
            &json!({"command": "make test"}),
            CallResult::Failed("Exit code 1"),
        )
        .call(AT, "Skill", &json!({"skill": "bakery:proofread"}), CallResult::Done)
        .call(
            AT,
            "Task",
            &json!({"subagent_type": "garden:surveyor"}),
            CallResult::Failed("no rain"),
        )
        .call(AT, "mcp__weather__history", &json!({}), CallResult::Failed("timed out"))
        .prompt(AT, "<command-name>/garden:check</command-name>");
    let bob = Session::new("b", "/home/bob/till")
        .call(AT, "Bash", &json!({"command": "ls"}), CallResult::Done)
        .call(AT, "Bash", &json!({"command": "ls -l"}), CallResult::Done)
        .call(AT, "mcp__weather__history", &json!({}), CallResult::Done)
        .call(AT, "mcp__weather__now", &json!({}), CallResult::Done)
        .call(AT, "Task", &json!({"prompt": "look"}), CallResult::Done);
    world(&["usage"], SOURCES, &[("alice", alice), ("bob", bob)])
}

const COUNTED: [&str; 5] = ["calls", "errors", "error_rate", "users", "sessions"];

#[test]
fn calls_are_counted_with_their_errors_users_and_sessions() {
    let world = called();
    let [calls, errors, rate, users, sessions] = COUNTED;
    let of_one = |report: &str, column: &str| rows(&world, &[report], [column, calls, errors, rate, users, sessions]);
    let tools = json!([
        ["Bash", 4, 1, 25.0, 2, 2],
        ["Task", 2, 1, 50.0, 2, 2],
        ["mcp__weather__history", 2, 1, 50.0, 2, 2],
        ["Skill", 1, 0, 0.0, 1, 1],
        ["mcp__weather__now", 1, 0, 0.0, 1, 1],
    ]);
    assert_eq!(of_one("usage.tools", "tool"), tools);
    let commands = json!([["/garden:check", 1, 0, 0.0, 1, 1]]);
    assert_eq!(of_one("usage.commands", "command"), commands);
    let of_two = |report: &str, columns: [&str; 2]| {
        let [first, second] = columns;
        rows(&world, &[report], [first, second, calls, errors, rate, users, sessions])
    };
    let skills = json!([["bakery:proofread", "curated", 1, 0, 0.0, 1, 1]]);
    assert_eq!(of_two("usage.skills", ["skill", "source"]), skills);
    let subagents = json!([
        ["Task", "builtin", 1, 0, 0.0, 1, 1],
        ["garden:surveyor", "flea", 1, 1, 100.0, 1, 1],
    ]);
    assert_eq!(of_two("usage.subagents", ["subagent", "source"]), subagents);
    let mcp = json!([
        ["weather", "history", 2, 1, 50.0, 2, 2],
        ["weather", "now", 1, 0, 0.0, 1, 1],
    ]);
    assert_eq!(of_two("usage.mcp", ["server", "tool"]), mcp);
}

#[test]
fn items_of_the_marketplace_are_those_that_have_a_source() {
    let world = called();
    let found = rows(
        &world,
        &["usage.marketplace", "--order", "name"],
        ["source", "type", "plugin", "name", "calls", "errors"],
    );
    let expected = json!([
        ["flea", "skill", "garden", "check", 1, 0],
        ["curated", "skill", "bakery", "proofread", 1, 0],
        ["flea", "agent", "garden", "surveyor", 1, 1],
    ]);
    assert_eq!(found, expected);
}

#[test]
fn filters_choose_calls_as_they_choose_responses() {
    let world = called();
    let tools = |filter: [&str; 2]| rows(&world, &["usage.tools", filter[0], filter[1]], ["tool", "calls"]);
    assert_eq!(
        tools(["--project", "till"]),
        json!([
            ["Bash", 2],
            ["Task", 1],
            ["mcp__weather__history", 1],
            ["mcp__weather__now", 1]
        ])
    );
    assert_eq!(tools(["--username", "alice"])[0], json!(["Bash", 2]));
    assert_eq!(tools(["--since", "2026-01-21"]), json!([]));
}
