//! What is served and what is described are the same. That every route is described, the host's unit tests tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    client::Request,
    description::{check_response, operations},
    service::Service,
};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];

#[test]
fn every_path_is_served_by_its_methods_alone() {
    let service = Service::start();
    let document = service.description();
    let mut described: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for operation in operations(&document) {
        let path = (operation.path.clone(), operation.example_path());
        described.entry(path).or_default().push(operation.method);
    }
    for ((described, path), methods) in &described {
        let others = &document["paths"][described]["x-other-methods"];
        for method in METHODS
            .into_iter()
            .filter(|method| methods.iter().all(|known| known != method))
        {
            let answer = service.admin(Request::new(method, path));
            let told = format!("{method} {path}");
            assert_eq!(answer.status, 405, "{told}");
            check_response(&document, others, &answer, &told);
            let allowed: BTreeSet<&str> = answer.header("Allow").unwrap().split(',').collect();
            let expected: BTreeSet<&str> = match methods[0].as_str() {
                "GET" => BTreeSet::from(["GET", "HEAD"]),
                method => BTreeSet::from([method]),
            };
            assert_eq!(allowed, expected, "{told}");
        }
    }
}

#[test]
fn get_takes_head_and_gives_no_body() {
    let service = Service::start();
    for operation in operations(&service.description()) {
        // What must be given is given.
        let mut by_head = operation.clone();
        by_head.method = "HEAD".to_owned();
        let head = service.admin(by_head.least_request());
        let (status, body) = (head.status, head.text());
        match operation.method.as_str() {
            "GET" => assert_eq!((status, body), (200, ""), "{}", operation.path),
            _ => assert_eq!((status, body), (405, ""), "{}", operation.path),
        }
    }
}

#[test]
fn nothing_else_is_served() {
    let service = Service::start();
    let document = service.description();
    let beside = operations(&document).into_iter().flat_map(|operation| {
        let path = operation.example_path();
        let above = path.rsplit_once('/').unwrap().0;
        [
            format!("{path}/"),
            format!("{path}/more"),
            format!("/{path}"),
            above.to_owned(),
            format!("{above}/"),
        ]
    });
    let made_up = [
        "/favicon.ico",
        "/health",
        "/api/metrics",
        "/api/admin/..",
        "/api/admin/%2e%2e/health",
    ];
    let not_found = serde_json::json!({"$ref": "#/components/responses/NotFound"});
    // The page, which is no part of the interface, is at `/`.
    let beside = beside.filter(|path| document["paths"].get(path).is_none() && !matches!(path.as_str(), "" | "/"));
    for path in beside.chain(made_up.map(str::to_owned)) {
        let answer = service.admin(Request::new("GET", &path));
        assert_eq!(answer.status, 404, "{path}");
        check_response(&document, &not_found, &answer, &path);
    }
}

#[test]
fn the_description_is_of_this_version() {
    let service = Service::start();
    let health = service.ask(&Request::new("GET", "/api/health")).json();
    assert_eq!(service.description()["info"]["version"], health["version"]);
    assert_eq!(service.description()["openapi"], "3.1.0");
}
