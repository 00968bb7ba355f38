//! Every status that the description tells of can be had, and tells what it is described with.

use std::{collections::BTreeSet, fs, io::Write, thread};

use serde_json::{Value, json};

use crate::{
    client::{Answer, Request, connect, wait_until_read},
    description::{Operation, operations},
    operations::operation,
    service::{Service, TOKEN, world},
};

/// Asks for every operation what `request` makes of it, where it makes anything, and expects this status.
fn expect(service: &Service, status: u16, request: impl Fn(&Operation) -> Option<Request>) {
    let document = service.description();
    let mut asked = BTreeSet::new();
    let mut described = BTreeSet::new();
    for operation in operations(&document) {
        let name = format!("{} {}", operation.method, operation.path);
        if operation.statuses().any(|known| known == status) {
            described.insert(name.clone());
        }
        let Some(request) = request(&operation) else { continue };
        let answer = service.ask(&request);
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        operation.check(&document, &answer);
        asked.insert(name);
    }
    assert_eq!(
        asked, described,
        "{status} is described where it cannot be, or not where it can"
    );
}

#[test]
fn without_the_token_or_with_another_one_admin_calls_are_refused() {
    let service = Service::start();
    expect(&service, 401, |operation| {
        operation.needs_token.then(|| operation.request())
    });
    expect(&service, 401, |operation| {
        let other = TOKEN.replace('0', "1");
        operation.needs_token.then(|| operation.request().bearing(&other))
    });
    for path in ["/api/admin/nothing", "/api/admin/runs/more"] {
        assert_eq!(service.ask(&Request::new("GET", path)).status, 401, "{path}");
    }
    assert_eq!(service.ask(&Request::new("DELETE", "/api/admin/runs")).status, 401);
    let log = service.ends();
    assert!(!log.contains(TOKEN), "the token stands in the log: {log}");
}

#[test]
fn what_changes_something_is_refused_to_viewers() {
    const VIEWER: &str = "fedcba9876543210fedcba9876543210";
    let world = world();
    let digest = "4ba68aa8767bde72e8c798ee82d1275291cea73e72ad74d35ecf48e41386eb82";
    let table = format!("[[tokens]]\nname = \"ann\"\nhash = \"sha256:{digest}\"\nrole = \"viewer\"\n");
    world.config(&format!("max_session_bytes = 900\n{table}"));
    let service = Service::start_in(world);
    expect(&service, 403, |operation| {
        (operation.needs_token && operation.method == "POST").then(|| operation.request().bearing(VIEWER))
    });
}

#[test]
fn parameters_and_bodies_that_are_missing_or_unknown_are_refused() {
    let service = Service::start();
    let has_input = |operation: &Operation| !operation.parameters.is_empty() || operation.takes_body();
    expect(&service, 400, |operation| {
        let request = match operation.takes_body() {
            true => operation.request().body("{\"sql\": \"SELECT 1\", \"more\": 1}"),
            false => operation.request().parameter("more", "1"),
        };
        has_input(operation).then(|| request.bearing(TOKEN))
    });
    let document = service.description();
    for operation in operations(&document) {
        for missing in operation.parameters.iter().filter(|parameter| parameter.is_required) {
            let request =
                operation.request_with(|parameter| (parameter.name != missing.name).then(|| parameter.example.clone()));
            let answer = service.admin(request);
            assert_eq!(answer.status, 400, "{} without {}", operation.path, missing.name);
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(&missing.name), "{detail}");
        }
    }
}

#[test]
fn values_that_the_schema_excludes_are_refused_and_its_bounds_are_taken() {
    let service = Service::start();
    let document = service.description();
    for operation in operations(&document) {
        for parameter in &operation.parameters {
            let ask = |value: &str| {
                let request = operation.request_with(|other| match other.name == parameter.name {
                    true => Some(value.to_owned()),
                    false => other.is_required.then(|| other.example.clone()),
                });
                service.admin(request).status
            };
            let told = format!("{} {}", operation.path, parameter.name);
            if let (Some(least), Some(most)) = (
                parameter.schema["minimum"].as_u64(),
                parameter.schema["maximum"].as_u64(),
            ) {
                assert_eq!((ask(&least.to_string()), ask(&most.to_string())), (200, 200), "{told}");
                let beyond = [
                    (least - 1).to_string(),
                    (most + 1).to_string(),
                    "-1".to_owned(),
                    "x".to_owned(),
                    String::new(),
                ];
                for value in beyond {
                    assert_eq!(ask(&value), 400, "{told}={value}");
                }
            }
            if parameter.name == "processor" {
                assert_eq!(ask("No Name"), 400, "{told}");
            }
        }
    }
}

#[test]
fn what_nothing_is_known_of_is_not_found() {
    let service = Service::start();
    expect(&service, 404, |operation| {
        let is_known = |status| operation.statuses().any(|known| known == status);
        let nobody = operation.request_with(|parameter| match parameter.name.as_str() {
            "processor" => Some("usage".to_owned()),
            // A purge is made whatever is known, and so is a dry run.
            "purge" | "dry_run" | "since" | "until" => None,
            _ => Some("nobody/none.jsonl".to_owned()),
        });
        let nobody = match operation.other_path("usage.nothing") {
            Some(path) => Request::new(&operation.method, path),
            None => nobody,
        };
        is_known(404).then(|| nobody.bearing(TOKEN))
    });
}

#[test]
fn too_long_a_path_or_head_is_refused_everywhere() {
    let service = Service::start();
    let long = "x".repeat(5000);
    expect(&service, 414, |operation| {
        Some(operation.request().parameter("long", &long))
    });
    let headers = |request: Request| {
        (0..4).fold(request, |request, number| {
            request.header(&format!("X-{number}"), &*long)
        })
    };
    expect(&service, 431, |operation| Some(headers(operation.request())));
}

#[test]
fn too_large_a_body_is_refused_where_there_is_one() {
    let service = Service::start();
    let large = json!({"sql": format!("SELECT '{}'", "x".repeat(1 << 20))}).to_string();
    expect(&service, 413, |operation| {
        operation
            .takes_body()
            .then(|| operation.request().body(large.clone()).bearing(TOKEN))
    });
}

#[test]
fn a_body_and_a_query_that_take_too_long_are_given_up() {
    let service = Service::start();
    let document = service.description();
    let query = operation(&document, "/api/admin/query");
    let slow = thread::scope(|scope| {
        let body = scope.spawn(|| half_a_body(&service, &query));
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 2 FROM n) SELECT count(*) FROM n";
        let body_of_query = json!({"sql": endless}).to_string();
        let answer = service.admin(query.request().body(body_of_query));
        [answer, body.join().unwrap()]
    });
    assert_eq!(slow.each_ref().map(|answer| answer.status), [504, 408]);
    for answer in slow {
        query.check(&document, &answer);
    }
    assert_eq!(service.admin(query.request()).status, 200);
}

fn half_a_body(service: &Service, query: &Operation) -> Answer {
    let mut bytes = query.request().bearing(TOKEN).bytes();
    bytes.pop();
    let mut stream = connect(service.address);
    stream.write_all(&bytes).unwrap();
    Answer::read(&mut stream)
}

#[test]
fn a_service_that_ends_begins_no_run() {
    let service = Service::start();
    let document = service.description();
    let begun: Vec<_> = ["/api/admin/run-session-processor", "/api/admin/retry"]
        .into_iter()
        .map(|path| operation(&document, path))
        .map(|operation| {
            let mut bytes = operation.request().bearing(TOKEN).bytes();
            let last = bytes.pop().unwrap();
            let mut stream = connect(service.address);
            stream.write_all(&bytes).unwrap();
            wait_until_read(&stream);
            (operation, stream, last)
        })
        .collect();
    service.is_told_to_end();
    for (operation, mut stream, last) in begun {
        stream.write_all(&[last]).unwrap();
        let answer = Answer::read(&mut stream);
        assert_eq!(answer.status, 503, "{}", answer.text());
        operation.check(&document, &answer);
    }
}

#[test]
fn what_the_host_cannot_do_is_told_as_its_fault() {
    let service = Service::start();
    fs::remove_dir_all(service.world.plugins()).unwrap();
    fs::write(service.world.path("data/exports"), "no folder").unwrap();
    let document = service.description();
    for path in ["/api/admin/reload-plugins", "/api/admin/export"] {
        let operation = operation(&document, path);
        let answer = service.admin(operation.request());
        assert_eq!(answer.status, 500, "{path}: {}", answer.text());
        operation.check(&document, &answer);
    }
}

#[test]
fn requests_that_are_refused_are_in_the_audit_log_and_those_without_the_token_are_not() {
    let service = Service::start();
    service.ask(&Request::new("POST", "/api/admin/export"));
    service.admin(Request::new("POST", "/api/admin/forget").parameter("subject", "nobody"));
    let asked = json!({"sql": "SELECT actor, action, resource, result FROM audit_log ORDER BY id"});
    let answer = service.admin(Request::new("POST", "/api/admin/query").body(asked.to_string()));
    let expected: Value = json!([["admin", "forget", "session:nobody", "failed"]]);
    assert_eq!(answer.json()["rows"], expected);
}
