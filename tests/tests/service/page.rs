//! What the page shows, as text.

use session_host_tests::{Answer, Service, Visit, World};

use crate::steps::serve_processed;

/// Every page of a server.
const PAGES: &[&str] = &[
    "/",
    "/processors",
    "/processors/probe",
    "/processors/probe/reprocess",
    "/reports",
    "/sessions",
    "/sessions/one?key=alice/0.jsonl",
    "/sessions/one/line?key=alice/0.jsonl&at=1",
    "/sessions/one/rows?key=alice/0.jsonl&table=probe_rows",
    "/search",
    "/failures",
    "/failures?processor=probe",
    "/cluster",
    "/audit",
    "/query",
];

/// What every answer of the page forbids a browser.
#[track_caller]
fn is_protected(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
}

/// The files that a page loads.
fn files(page: &str) -> Vec<String> {
    let quoted = page.split('"').filter(|text| text.starts_with("/assets/"));
    quoted.map(str::to_owned).collect()
}

#[test]
fn every_page_has_a_strict_policy_and_neither_inline_script_nor_style() {
    let (_world, service) = serve_processed(2);
    let visit = Visit::of(&service);
    let mut policies = Vec::new();
    let sign_in = service.call_with("GET", "/sign-in", "", "").is(200);
    let pages = PAGES.iter().map(|target| visit.get(&service, target).is(200));
    for page in pages.chain([sign_in]) {
        is_protected(&page);
        let policy = page.header("content-security-policy").unwrap().to_owned();
        for part in [
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "connect-src 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
        let nonce = rest.split('\'').next().unwrap();
        let scripts: Vec<&str> = page.body.split("<script").skip(1).collect();
        assert!(scripts.len() >= 3);
        for script in scripts {
            assert!(
                script.starts_with(&format!(" nonce=\"{nonce}\" src=\"/assets/")),
                "{script}"
            );
        }
        for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!page.body.contains(inline), "{inline} in {}", page.body);
        }
        policies.push(policy);
    }
    policies.sort();
    policies.dedup();
    assert_eq!(policies.len(), PAGES.len() + 1, "a number is used twice");
}

#[test]
fn files_are_compressed_and_kept_for_good() {
    let (_world, service) = serve_processed(1);
    let page = Visit::of(&service).get(&service, "/").is(200).body;
    let files = files(&page);
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let answer = service.call_with("GET", &file, "", "").is(200);
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert!(answer.header("cache-control").unwrap().contains("immutable"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    drop(service.call_with("GET", "/assets/page.css", "", "").is(404));
}

#[test]
fn the_overview_shows_processors_runs_and_warnings() {
    let world = World::with(&["probe", "usage"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    world.install_file(session_host_tests::LibraryFile::Bytes(b"no library"), "broken.so");
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    session_host_tests::wait_until("health is checked", || {
        service.get("/api/health").json()["processors"]["probe"]["last_run_at"].is_string()
    });
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/").is(200).body;
    for text in [
        "/processors/probe",
        "/processors/usage",
        "broken.so",
        "degraded",
        "<svg",
        "admin",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let charts = visit.get(&service, "/overview/charts").is(200).body;
    assert!(charts.contains("/reports/usage.daily?last=30d"), "{charts}");
}

#[test]
fn text_from_outside_stays_text() {
    let (_world, service) = serve_with_hostile_texts();
    let visit = Visit::of(&service);
    let hostile = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%2F%3Cscript%3Ealert(1)%3Cscript%3E.jsonl";
    let sessions = [
        format!("/sessions/one?key={hostile}"),
        format!("/sessions/one/line?key={hostile}&at=1"),
        format!("/sessions/one/rows?key={hostile}&table=probe_rows"),
    ];
    let sessions = sessions.iter().map(String::as_str);
    let pages = PAGES.iter().copied().filter(|target| !target.starts_with("/sessions/"));
    for target in pages.chain(sessions) {
        let page = visit.get(&service, target).is(200).body;
        assert!(!page.contains("<script>") && !page.contains("<img"), "{target}: {page}");
        assert!(!page.contains('\u{202e}') && !page.contains('\x1b'), "{target}: {page}");
    }
}

/// A server whose sessions, users and errors are called what an attacker would call them.
fn serve_with_hostile_texts() -> (World, Service) {
    let world = World::with(&["probe"]);
    let error =
        r#"{"do":"error","message":"<script>alert(1)</script> \u001b[31m \u202e <img src=x onerror=alert(1)>"}"#;
    world.write("<img src=x onerror=alert(1)>/<script>alert(1)<script>.jsonl", error);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let reason = "%3Cscript%3Ealert(1)%3C/script%3E";
    drop(
        service
            .post(&format!("/api/admin/pause?processor=probe&reason={reason}"))
            .is(200),
    );
    (world, service)
}

#[test]
fn what_is_unknown_is_told_on_a_page() {
    let (_world, service) = serve_processed(1);
    let visit = Visit::of(&service);
    for target in [
        "/processors/nobody",
        "/reports/nobody",
        "/processors/%3Cb%3E",
        "/reports/a.b",
    ] {
        let page = visit.get(&service, target);
        assert!(matches!(page.status, 400 | 404), "{target}: {}", page.status);
        assert!(
            page.body.contains("role=\"alert\"") && page.body.contains("Sign out"),
            "{}",
            page.body
        );
    }
    for target in ["/audit?before=x", "/reports/a?limit=x"] {
        drop(visit.get(&service, target).is(400));
    }
}

#[test]
fn the_pages_of_a_processor_show_what_the_state_holds() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":7}"#);
    world.write("bruno/bad.jsonl", r#"{"do":"error","message":"no good"}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/processors/probe").is(200).body;
    for text in ["probe_rows", ">7<", "no good", "Run now", "Pause", "bruno/bad.jsonl"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let failures = visit.get(&service, "/failures?processor=probe").is(200).body;
    assert!(failures.contains("no good") && failures.contains("Retry this example"));
    let none = visit.get(&service, "/failures?processor=other").is(200).body;
    assert!(none.contains("No session fails."));
    let audit = visit
        .get(&service, "/audit?actor=admin&text=RUN_session&result=errors")
        .is(200)
        .body;
    assert!(audit.contains("run_session_processor:probe"), "{audit}");
    let nothing = visit.get(&service, "/audit?actor=cli").is(200).body;
    assert!(nothing.contains("No entry."));
}

#[test]
fn a_report_is_a_page_with_filters_a_chart_and_downloads() {
    let world = World::with(&["reporting"]);
    let line = r#"{"project":"<b>","written_at":"2026-11-20T10:00:00Z","tokens":5,"cost":0.5}"#;
    world.write("alice/a.jsonl", line);
    let service = world.serve(&[]);
    drop(service.run("reporting").is(200));
    let visit = Visit::of(&service);
    let listed = service.get("/api/reports").is(200).json();
    let reports = listed["reports"].as_array().unwrap();
    let list = visit.get(&service, "/reports").is(200).body;
    for report in reports {
        let name = report["name"].as_str().unwrap();
        assert!(list.contains(name), "no {name} in {list}");
        let target = format!("/reports/{}", name.replace(' ', "%20"));
        let page = visit.get(&service, &format!("{target}?limit=5&username=")).is(200).body;
        let api = service.get(&format!("/api{target}?limit=5"));
        let json = visit.get(&service, &format!("{target}/json?limit=5"));
        assert_eq!((json.status, &json.body), (api.status, &api.body), "{name}");
        if api.status != 200 {
            assert!(
                page.contains("role=\"alert\"") && page.contains("name=\"timezone\""),
                "{name}: {page}"
            );
            continue;
        }
        assert!(page.contains(&format!("{target}/csv?limit=5")), "{page}");
        assert!(
            json.header("content-disposition")
                .unwrap()
                .contains(&format!("{name}.json"))
        );
        let csv = visit.get(&service, &format!("{target}/csv?limit=5")).is(200);
        assert!(csv.header("content-type").unwrap().contains("text/csv"));
        let columns = api.json()["columns"].as_array().unwrap().len();
        assert_eq!(
            csv.body.lines().next().unwrap().split(',').count(),
            columns,
            "{}",
            csv.body
        );
    }
    let daily = visit.get(&service, "/reports/reporting.daily").is(200).body;
    assert!(daily.contains("data-plot=\"{&quot;kind&quot;:"), "{daily}");
}

#[test]
fn the_console_answers_one_select_and_nothing_else() {
    let (_world, service) = serve_processed(2);
    let visit = Visit::of(&service);
    let form = visit.get(&service, "/query").is(200).body;
    assert!(form.contains("probe_rows") && form.contains("BIGINT"), "{form}");
    let answer = visit
        .act(
            &service,
            "/query",
            "sql=SELECT+count(*)+AS+rows,+'<b>'+AS+text+FROM+probe_rows",
        )
        .is(200)
        .body;
    assert!(
        answer.contains(">2<") && answer.contains("&lt;b&gt;") && answer.contains("1 row"),
        "{answer}"
    );
    for refused in ["DELETE+FROM+probe_rows", "SELECT+1;+SELECT+2", "SELEC", ""] {
        let page = visit.act(&service, "/query", &format!("sql={refused}"));
        assert!(page.body.contains("role=\"alert\""), "{refused}: {}", page.body);
    }
}

#[test]
fn a_stream_tells_what_goes_on_and_ends_with_the_service() {
    let (_world, service) = serve_processed(1);
    let visit = Visit::of(&service);
    let stream = service.begin_with("GET", "/live/overview", &visit.header());
    let reading = std::thread::spawn(move || Answer::read(stream).unwrap());
    drop(service.run("probe").is(200));
    let (status, _) = service.stop();
    assert_eq!(status, Some(0));
    let answer = reading.join().unwrap().is(200);
    assert!(answer.head.contains("content-type: text/event-stream"));
    assert!(
        answer.body.contains("data: ") && answer.body.contains("/processors/probe"),
        "{}",
        answer.body
    );
}
