//! Alerts of the service: what health, metrics, lists and the webhook tell of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::Timestamp;
use model_server::{ModelServer, Reply};
use serde_json::{Value, json};
use session_host_tests::{Service, Spending, World, wait_until};

use crate::steps::value;

/// The alerts among the warnings of health.
fn warnings(service: &Service) -> Vec<String> {
    let health = service.get("/api/health").is(200).json();
    let warnings = health["warnings"].as_array().unwrap().iter();
    let alerts = warnings.filter(|warning| warning["kind"] == "alert");
    alerts
        .map(|alert| alert["message"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn warns(service: &Service, what: &str) {
    wait_until(&format!("health warns of {what}"), || {
        warnings(service).iter().any(|warning| warning.contains(what))
    });
}

#[track_caller]
fn has_metric(service: &Service, line: &str) {
    let metrics = service.get("/metrics").is(200).body;
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
}

fn spend(world: &World, session: &str, usd: f64) {
    let at = Timestamp::now();
    let project = "shop";
    let spending = Spending {
        session,
        project,
        at,
        usd,
    };
    world.write(&format!("alice/{session}.jsonl"), spending.line());
}

fn configure(world: &World, server: &ModelServer) {
    world.config(&format!(
        "[alerts]\ncheck_seconds = 1\nuser_monthly_budget_usd = 1.0\nwebhook_url = \"{}\"",
        server.url()
    ));
}

#[test]
fn an_alert_is_told_everywhere_and_fires_once_over_runs_restarts_and_commands() {
    let server = ModelServer::answering(|_| Reply::text(""));
    let world = World::with(&["usage"]);
    configure(&world, &server);
    let service = world.serve(&[]);
    spend(&world, "a", 0.75);
    drop(service.run("usage").is(200));
    spend(&world, "b", 0.75);
    drop(service.run("usage").is(200));
    warns(&service, "user alice spent $1.50");
    wait_until("the webhook got it", || {
        value(&service, "SELECT count(delivered_at) FROM alert") == json!(1)
    });
    assert_eq!(server.requests().len(), 1);
    has_metric(&service, "session_host_alerts_total{kind=\"budget\"} 1");
    has_metric(&service, "session_host_active_alerts{kind=\"budget\"} 1");
    let status = service.get("/api/admin/status").is(200).json();
    assert_eq!(status["alerts"][0]["kind"], "budget", "{status}");
    assert!(service.log().contains("alert: user alice"), "{}", service.log());
    drop(service.stop());
    spend(&world, "c", 0.75);
    drop(world.run(&[]).exits(0));
    let service = world.serve(&[]);
    warns(&service, "user alice spent $1.50");
    drop(service.run("usage").is(200));
    let fired = value(&service, "SELECT count(*) FROM alert");
    assert_eq!((fired, server.requests().len()), (json!(1), 1));
    has_metric(&service, "session_host_alerts_total{kind=\"budget\"} 0");
}

#[test]
fn a_webhook_that_does_not_answer_is_a_warning_and_gets_the_alert_later() {
    let is_well = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_well);
    let server = ModelServer::answering(move |_| match seen.load(Ordering::SeqCst) {
        true => Reply::text(""),
        false => Reply::status(400),
    });
    let world = World::with(&["usage"]);
    configure(&world, &server);
    spend(&world, "a", 1.5);
    let service = world.serve(&[]);
    drop(service.run("usage").is(200));
    warns(&service, "has not taken 1 alerts: it answered with the status 400");
    has_metric(&service, "session_host_undelivered_alerts 1");
    is_well.store(true, Ordering::SeqCst);
    let delivered = "SELECT count(delivered_at) FROM alert";
    wait_until("the webhook gets the alert", || value(&service, delivered) == 1);
    wait_until("health no longer warns of the webhook", || {
        warnings(&service).len() == 1
    });
    has_metric(&service, "session_host_undelivered_alerts 0");
    has_metric(&service, "session_host_alert_deliveries_total{outcome=\"delivered\"} 1");
}

#[test]
fn an_alert_that_cannot_be_evaluated_is_a_warning_until_its_plugin_is_there() {
    let world = World::with(&["probe"]);
    world.config("[alerts]\ncheck_seconds = 1\ndaily_budget_usd = 1.0");
    let service = world.serve(&[]);
    warns(&service, "the daily budgets of users cannot be evaluated");
    world.install("usage");
    drop(service.post("/api/admin/reload-plugins").is(200));
    wait_until("the budgets are evaluated", || warnings(&service).is_empty());
    assert_eq!(service.log().matches("cannot be evaluated").count(), 1);
}

#[test]
fn a_processor_that_is_rejected_alerts_until_it_is_replaced() {
    let world = World::with(&["probe"]);
    world.config("[alerts]\ncheck_seconds = 1\nfailing_processor = true");
    std::fs::write(world.plugins().join("usage.so"), "no library").unwrap();
    let service = world.serve(&[]);
    warns(&service, "the plugin usage.so is rejected");
    world.install_as("usage", "usage.so");
    drop(service.post("/api/admin/reload-plugins").is(200));
    wait_until("the alert ends", || warnings(&service).is_empty());
    let ended = value(&service, "SELECT resolved_at IS NOT NULL FROM alert");
    assert_eq!(ended, Value::Bool(true));
}
