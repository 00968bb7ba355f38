//! Every operation does what the description says of it, with the description's own examples.

use std::{fs, net::SocketAddr};

use serde_json::{Value, json};
use session_host_tests::wait_until;

use crate::{
    client::Request,
    description::{Operation, operations},
    service::{FAILING, Service},
};

/// Runs both processors, so that there is something to tell and to change. None is paused any more.
fn is_run(service: &Service) {
    drop(service.admin(of_usage("/api/admin/resume")));
    for processor in ["usage", "probe"] {
        assert_eq!(service.run(processor).status, 200);
    }
}

/// A POST that names the processor of the examples.
fn of_usage(path: &str) -> Request {
    Request::new("POST", path).parameter("processor", "usage")
}

#[test]
fn every_operation_answers_its_examples_as_described() {
    let service = Service::start();
    service.wait_for_health();
    let document = service.description();
    for operation in operations(&document) {
        for request in [operation.request(), operation.least_request()] {
            is_run(&service);
            if operation.path == "/api/admin/resume" {
                assert_eq!(service.admin(of_usage("/api/admin/pause")).status, 200);
            }
            let answer = service.admin(request);
            assert_eq!(answer.status, 200, "{operation:?}: {}", answer.text());
            operation.check(&document, &answer);
        }
    }
}

/// What stands in lists of the answers above: an empty list would fit any description.
#[test]
fn the_examples_give_answers_that_are_not_empty() {
    let service = Service::start();
    is_run(&service);
    service.wait_for_health();
    let of = |method: &str, path: &str| service.admin(Request::new(method, path)).json();
    assert_eq!(
        of("GET", "/api/admin/status")["processors"].as_array().unwrap().len(),
        3
    );
    assert_eq!(
        of("GET", "/api/admin/processors")["processors"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(of("GET", "/api/admin/runs")["runs"].as_array().unwrap().len(), 2);
    let failures = of("GET", "/api/admin/failures");
    assert_eq!(failures["failures"][0]["session"], FAILING);
    assert_eq!(
        of("POST", "/api/admin/reload-plugins")["plugins"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let export = of("POST", "/api/admin/export");
    let tables = export["tables"].as_array().unwrap();
    assert!(tables.contains(&json!("audit_log")) && tables.contains(&json!("usage_events")));
    for table in tables {
        let file = format!(
            "{}/{}.parquet",
            export["folder"].as_str().unwrap(),
            table.as_str().unwrap()
        );
        assert_eq!(&fs::read(file).unwrap()[..4], b"PAR1");
    }
    let failed = service.run("usage").json();
    assert_eq!(
        (&failed["ok"], &failed["details"]["errors"]),
        (&json!(false), &json!(1))
    );
    let query = json!({"sql": "SELECT 1 AS one, 'two' AS two, NULL AS three, [4] AS four;"});
    let answer = service.admin(Request::new("POST", "/api/admin/query").body(query.to_string()));
    let expected =
        json!({"columns": ["one", "two", "three", "four"], "rows": [[1, "two", null, [4]]], "truncated": false});
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_run_that_goes_on_is_listed_and_keeps_others_away() {
    let world = crate::service::world();
    let waiting = [
        json!({"do": "touch", "path": world.path("attempted")}),
        json!({"do": "wait_for_file", "path": world.path("go")}),
        json!({"do": "rows", "count": 1}),
    ];
    world.write("alice/3f2c.jsonl", waiting.map(|step| format!("{step}\n")).concat());
    world.config("");
    let service = Service::start_in(world);
    let document = service.description();
    let address = service.address;
    let running = std::thread::spawn(move || run_of_probe(address));
    wait_until("the session is being processed", || {
        service.world.path("attempted").exists()
    });

    let listing = operation(&document, "/api/admin/processors");
    let answer = service.admin(listing.request());
    listing.check(&document, &answer);
    let listed = answer.json();
    let runs = listed["processors"].as_array().unwrap().iter().map(|file| &file["run"]);
    let runs: Vec<&Value> = runs.filter(|run| !run.is_null()).collect();
    assert_eq!((runs.len(), &runs[0]["actor"]), (1, &json!("admin")));

    for operation in operations(&document) {
        let answers_conflict = operation.statuses().any(|status| status == 409);
        let request = operation.request_with(|parameter| match parameter.name.as_str() {
            "processor" => Some("probe".to_owned()),
            _ => parameter.is_required.then(|| parameter.example.clone()),
        });
        let answer = service.admin(request);
        operation.check(&document, &answer);
        assert_eq!(
            answer.status == 409,
            answers_conflict,
            "{operation:?}: {}",
            answer.text()
        );
    }

    fs::write(service.world.path("go"), "").unwrap();
    let answer = running.join().unwrap();
    let details = &answer["details"];
    assert_eq!(
        (&answer["ok"], &details["processed"], &details["unrecognised"]),
        (&json!(true), &json!(1), &json!(1))
    );
}

fn run_of_probe(address: SocketAddr) -> Value {
    let request = Request::new("POST", "/api/admin/run-session-processor").parameter("processor", "probe");
    request.bearing(crate::service::TOKEN).send(address).json()
}

pub(crate) fn operation(document: &Value, path: &str) -> Operation {
    let mut operations = operations(document).into_iter();
    operations.find(|operation| operation.path == path).unwrap()
}

#[test]
fn refused_plugins_and_ill_processors_are_listed_as_described() {
    let world = crate::service::world();
    world.config("[processors.probe]\nrefuse = \"not today\"");
    world.install_file(session_host_tests::LibraryFile::Bytes(b"no library"), "broken.so");
    let service = Service::start_in(world);
    service.wait_for_health();
    let document = service.description();
    for path in [
        "/api/admin/processors",
        "/api/health",
        "/api/admin/reload-plugins",
        "/metrics",
    ] {
        let operation = operation(&document, path);
        operation.check(&document, &service.admin(operation.request()));
    }
    let health = service.ask(&Request::new("GET", "/api/health")).json();
    assert_eq!(
        (&health["status"], &health["warnings"][0]["kind"]),
        (&json!("degraded"), &json!("rejected"))
    );
    assert_eq!(health["processors"]["probe"]["warnings"][0]["kind"], "unavailable");
}

#[test]
fn runs_that_were_refused_or_failed_are_listed_as_described() {
    let service = Service::start();
    assert_eq!(service.run("nobody").status, 400);
    fs::remove_dir_all(service.world.sessions()).unwrap();
    fs::write(service.world.sessions(), "no folder").unwrap();
    let document = service.description();
    let answer = service.run("usage");
    assert_eq!(answer.status, 500, "{}", answer.text());
    operation(&document, "/api/admin/run-session-processor").check(&document, &answer);
    let runs = operation(&document, "/api/admin/runs");
    let answer = service.admin(runs.request());
    runs.check(&document, &answer);
    assert_eq!(answer.json()["runs"].as_array().unwrap().len(), 2, "{}", answer.text());
}
