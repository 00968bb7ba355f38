//! Alerts of the command line: what fires, when it fires again, and what the webhook gets.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model_server::{ModelServer, Reply};
use serde_json::{Value, json};
use session_host_tests::{Spending, World};
use sha2::Sha256;

use crate::script::{error, rows};

/// Two time zones, the second of which is a day further now. Midnight is at least an hour away in both.
fn zones_of_two_days() -> (&'static str, &'static str) {
    match Timestamp::now().to_zoned_datetime(TimeZone::UTC).hour() {
        ..11 => ("Etc/GMT+12", "Etc/GMT-5"),
        _ => ("Etc/GMT+6", "Etc/GMT-14"),
    }
}

/// Writes a session that costs this much now.
fn spend(world: &World, user: &str, session: &str, project: &str, usd: f64) {
    let spending = Spending {
        session,
        project,
        at: Timestamp::now(),
        usd,
    };
    world.write(&format!("{user}/{session}.jsonl"), spending.line());
}

/// The keys of the alerts without their periods, and whether they last.
fn alerts(world: &World) -> Vec<(String, bool)> {
    let rows =
        world.rows("SELECT key, resolved_at IS NULL AS lasts FROM alert WHERE kind <> 'known_secret' ORDER BY key");
    let alert = |row: &Value| {
        let key = row["key"].as_str().unwrap();
        let dated = key.rsplit_once('/').filter(|_| key.starts_with("budget/"));
        let key = dated.map_or(key, |(key, _)| key);
        (key.to_owned(), row["lasts"].as_bool().unwrap())
    };
    rows.iter().map(alert).collect()
}

fn lasting(keys: &[&str]) -> Vec<(String, bool)> {
    keys.iter().map(|key| ((*key).to_owned(), true)).collect()
}

#[test]
fn a_budget_alerts_once_a_day_for_all_and_for_each_user() {
    let mut world = World::with(&["usage"]);
    let (west, east) = zones_of_two_days();
    world.set_variable("SESSION_HOST_TIMEZONE", west);
    world.config("[alerts]\ndaily_budget_usd = 1\nuser_daily_budget_usd = 0.75");
    let yesterday = Spending {
        session: "yesterday",
        project: "shop",
        at: Timestamp::now() - SignedDuration::from_hours(24),
        usd: 50.0,
    };
    world.write("alice/yesterday.jsonl", yesterday.line());
    spend(&world, "alice", "a", "shop", 0.5);
    drop(world.run(&[]).exits(0));
    assert_eq!(alerts(&world), []);
    spend(&world, "alice", "b", "shop", 0.5);
    let ran = world.run(&[]).exits(0);
    assert_eq!(alerts(&world), lasting(&["budget/daily/user alice"]));
    assert!(
        ran.stderr.contains("alert: user alice spent $1.00 on 20") && ran.stderr.contains("daily budget of $0.75"),
        "{}",
        ran.stderr
    );
    spend(&world, "bob", "c", "shop", 0.5);
    let ran = world.run(&[]).exits(0);
    assert_eq!(
        alerts(&world),
        lasting(&["budget/daily/all", "budget/daily/user alice"])
    );
    assert!(!ran.stderr.contains("user alice spent"), "{}", ran.stderr);
    let fired = "SELECT key, fired_at::VARCHAR AS at FROM alert ORDER BY key";
    let before = world.rows(fired);
    let ran = world.run(&[]).exits(0);
    assert_eq!((world.rows(fired), ran.stderr.contains("alert")), (before, false));
    world.set_variable("SESSION_HOST_TIMEZONE", east);
    drop(world.run(&[]).exits(0));
    let of_both_days = |key: &str| [(key.to_owned(), false), (key.to_owned(), true)];
    let expected = [
        of_both_days("budget/daily/all"),
        of_both_days("budget/daily/user alice"),
    ];
    assert_eq!(alerts(&world), expected.concat());
}

#[test]
fn projects_weeks_and_months_have_budgets_too() {
    let world = World::with(&["usage"]);
    world.config("[alerts]\nproject_weekly_budget_usd = 1.0\nmonthly_budget_usd = 2.0\nuser_monthly_budget_usd = 9.0");
    spend(&world, "alice", "a", "shop", 2.0);
    spend(&world, "bob", "b", "till", 0.5);
    drop(world.run(&[]).exits(0));
    assert_eq!(
        alerts(&world),
        lasting(&["budget/monthly/all", "budget/weekly/project shop"])
    );
    let spent = world.rows("SELECT value_usd, budget_usd, scope FROM alert WHERE scope = 'all'");
    assert_eq!(spent, [json!({"value_usd": 2.5, "budget_usd": 2.0, "scope": "all"})]);
    let status = world.host(&["status"]).exits(0).stdout;
    assert!(status.contains("project shop cost $2.00 in the week of"), "{status}");
    world.config("");
    drop(world.run(&[]).exits(0));
    assert!(alerts(&world).iter().all(|(_, lasts)| !lasts));
}

#[test]
fn what_a_user_spent_is_forgotten_with_the_user() {
    let world = World::with(&["usage"]);
    world.config("[alerts]\nuser_daily_budget_usd = 0.75");
    spend(&world, "alice", "a", "shop", 1.0);
    spend(&world, "bob", "b", "shop", 1.0);
    drop(world.run(&[]).exits(0));
    drop(world.host(&["forget", "alice"]).exits(0));
    assert_eq!(alerts(&world), lasting(&["budget/daily/user bob"]));
}

/// A transcript with a token of GitHub's form that was never valid; whole only while the tests run.
fn leak(rest: &str) -> (String, String) {
    let token = ["gh", "p_", "Zk3vQ9wLr7XtB2mNc5Hd8Jf4Gs6Pa1", rest].concat();
    let line = json!({"type": "assistant", "uuid": "u1", "sessionId": "s1", "message": {"content": [
        {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": format!("curl -H 'Authorization: token {token}' https://api.example/")}}]}});
    (token, format!("{line}\n"))
}

#[test]
fn a_new_secret_alerts_once_over_all_sessions_and_those_known_before_never() {
    let world = World::with(&["secrets"]);
    world.config("[alerts]\nnew_secret = true");
    let ((_, old), (token, new)) = (leak("Ye0UoT"), leak("Ye0UoR"));
    world.write("alice/old.jsonl", &old);
    let ran = world.run(&["-v"]).exits(0);
    assert!(ran.stderr.contains("1 secrets are known already"), "{}", ran.stderr);
    assert_eq!(alerts(&world), []);
    world.write("alice/new.jsonl", &new);
    world.write("bob/new.jsonl", &new);
    world.write("bob/old.jsonl", &old);
    let ran = world.run(&[]).exits(0);
    let found = alerts(&world);
    assert!(found.len() == 1 && found[0].0.starts_with("secret/"), "{found:?}");
    assert!(ran.stderr.contains("alert: a secret of the kind "), "{}", ran.stderr);
    assert!(!ran.stderr.contains(&token), "{}", ran.stderr);
    let texts = world.rows("FROM alert").into_iter().map(|row| row.to_string());
    assert!(texts.into_iter().all(|text| !text.contains(&token)));
    world.write("carol/new.jsonl", &new);
    assert!(!world.run(&[]).exits(0).stderr.contains("alert"));
    assert_eq!(alerts(&world), found);
}

#[test]
fn a_processor_that_fails_alerts_once_and_again_after_it_has_recovered() {
    let world = World::with(&["probe"]);
    world.config("[alerts]\nfailing_processor = true");
    world.write("alice/a.jsonl", error("no luck"));
    let ran = world.run(&["probe"]).exits(1);
    assert!(
        ran.stderr
            .contains("alert: every attempt of processor probe fails (1 sessions)"),
        "{}",
        ran.stderr
    );
    assert!(!world.run(&["probe"]).exits(1).stderr.contains("alert"));
    assert_eq!(alerts(&world), lasting(&["processor/probe"]));
    world.write("alice/a.jsonl", rows(1));
    drop(world.run(&["probe"]).exits(0));
    assert_eq!(alerts(&world), [("processor/probe".to_owned(), false)]);
    world.write("alice/a.jsonl", error("no luck"));
    assert!(world.run(&["probe"]).exits(1).stderr.contains("alert: every attempt"));
    assert_eq!(alerts(&world), lasting(&["processor/probe"]));
}

#[test]
fn without_configuration_there_is_no_alert() {
    let world = World::with(&["probe", "usage"]);
    world.write("alice/a.jsonl", error("no luck"));
    spend(&world, "bob", "b", "shop", 1000.0);
    assert!(!world.run(&["probe", "usage"]).exits(1).stderr.contains("alert"));
    assert_eq!(world.count("alert"), 0);
}

#[test]
fn an_alert_that_cannot_be_evaluated_is_named() {
    let world = World::with(&["probe"]);
    world.config("[alerts]\ndaily_budget_usd = 1.0\nnew_secret = true");
    let ran = world.run(&[]).exits(0);
    for told in [
        "the daily budgets of users cannot be evaluated: there is no report `usage.users`",
        "new secrets cannot be found: there is no report `secrets.findings`",
    ] {
        assert_eq!(ran.stderr.matches(told).count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn invalid_settings_are_refused_with_their_place_and_a_remedy() {
    let world = World::with(&["probe"]);
    for (setting, told) in [
        (
            "daily_budget_usd = -1",
            "config.toml: daily_budget_usd in [alerts]: -1 is no budget",
        ),
        ("daily_budget = 1.0", "line 2, column 1: unknown field `daily_budget`"),
        (
            "webhook_url = \"hooks.example\"",
            "webhook_url in [alerts]: it is no http or https address",
        ),
        (
            "webhook_url = \"http://127.0.0.1:9/\"\nwebhook_secret_file = \"none\"",
            "webhook_secret_file in [alerts]: the file ",
        ),
    ] {
        world.config(&format!("[alerts]\n{setting}"));
        let refused = world.host(&["run"]).exits(2);
        assert!(refused.stderr.contains(told), "{setting}: {}", refused.stderr);
    }
    world.config("[alerts]\nwebhook_url = \"http://127.0.0.1:9/\"\nwebhook_secret_file = \"secret\"");
    std::fs::write(world.path("secret"), "s3cret").unwrap();
    world.chmod("secret", 0o644);
    let refused = world.host(&["run"]).exits(2);
    assert!(refused.stderr.contains("everyone may read"), "{}", refused.stderr);
}

/// A world with a processor that fails, and a webhook with a secret.
fn world_with_webhook(server: &ModelServer) -> World {
    let world = World::with(&["probe"]);
    std::fs::write(world.path("secret"), "s3cret\n").unwrap();
    world.chmod("secret", 0o600);
    world.config(&format!(
        "[alerts]\nfailing_processor = true\nwebhook_url = \"{}/hook\"\nwebhook_secret_file = \"secret\"",
        server.url()
    ));
    world.write("alice/a.jsonl", error("no luck"));
    world
}

fn delivered(world: &World) -> bool {
    world.rows("SELECT delivered_at IS NOT NULL AS delivered FROM alert")[0]["delivered"]
        .as_bool()
        .unwrap()
}

#[test]
fn the_webhook_gets_each_alert_once_and_signed() {
    let server = ModelServer::answering(|_| Reply::text(""));
    let world = world_with_webhook(&server);
    for _ in 0..2 {
        drop(world.run(&["probe"]).exits(1));
    }
    assert!(delivered(&world));
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].path.as_str()), (1, "/hook"));
    let body = requests[0].json();
    let expected = json!({
        "alert": "processor/probe", "kind": "processor", "scope": "probe", "period": null, "value_usd": null,
        "budget_usd": null, "fired_at": body["fired_at"], "text": body["text"],
    });
    assert_eq!(body, expected);
    let signature = requests[0].header("x-session-host-signature").unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    let mac = mac.chain_update(&requests[0].body).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signature, format!("sha256={hex}"));
}

#[test]
fn a_webhook_that_fails_at_first_is_asked_again_at_once_and_by_the_next_run() {
    let server = ModelServer::scripted([500, 503, 500, 500, 200].map(|status| match status {
        200 => Reply::text(""),
        status => Reply::status(status),
    }));
    let world = world_with_webhook(&server);
    let ran = world.run(&["probe"]).exits(1);
    assert!(
        ran.stderr
            .contains("the webhook has not taken an alert: it answered with the status 500"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains(&server.url()), "{}", ran.stderr);
    assert_eq!((server.requests().len(), delivered(&world)), (3, false));
    drop(world.run(&["probe"]).exits(1));
    assert_eq!((server.requests().len(), delivered(&world)), (5, true));
}
