//! Queries that hear no interrupt.

use serde_json::json;
use session_host_tests::wait_until;

use crate::steps::serve_processed;

#[test]
fn a_query_whose_plan_is_never_done_is_told_by_health_and_ends_the_service() {
    let (world, service) = serve_processed(2);
    let depth = 40;
    let calls = "list_transform([1], lambda x: ".repeat(depth);
    let sql = format!("SELECT {calls}1{}", ")".repeat(depth));
    drop(service.query(&sql, &json!([])).is(504));
    wait_until("health tells of the query", || {
        let health = service.get("/api/health").is(200).json();
        let told = health["warnings"]
            .to_string()
            .contains("1 of 2 queries were interrupted");
        assert!(!told || health["status"] == "degraded", "{health}");
        told
    });
    let (status, log) = service.ends();
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("ending with exit status 1: a query still runs"), "{log}");
    assert_eq!(world.count("probe_rows"), 2);
}

#[test]
fn a_query_whose_step_takes_memory_without_end_ends_the_service() {
    let (world, service) = serve_processed(2);
    // DuckDB counts none of it, and hears no interrupt before the text is made: it would take 10 GB.
    let sql = "SELECT length(array_to_string(range(300000000), ','))";
    let unanswered = service.begin("POST", "/api/admin/query", &json!({ "sql": sql }).to_string());
    let (status, log) = service.ends();
    drop(unanswered);
    assert_eq!(status, Some(1), "{log}");
    assert!(
        log.contains("ending with exit status 1: one step of a query takes memory without end"),
        "{log}"
    );
    assert_eq!(world.count("probe_rows"), 2);
}
