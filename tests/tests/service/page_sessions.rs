//! The list of sessions, the attempts at one, and what forgetting one would remove.

use std::collections::BTreeSet;

use session_host_tests::{Answer, Service, Spending, Visit, World};

/// A world with sessions that cost something, one with an error, one with a secret, and one that fails.
fn serve(sessions: u32) -> (World, Service) {
    let world = World::with(&["usage", "errors", "secrets", "probe"]);
    for number in 0..sessions {
        let user = ["alice", "bruno"][number as usize % 2];
        let spending = Spending {
            session: &format!("s{number}"),
            project: ["shop", "docs"][number as usize / 2 % 2],
            at: "2026-11-20T10:00:00Z".parse().unwrap(),
            usd: f64::from(number % 10) / 2.0,
        };
        world.write(&format!("{user}/{number:03}.jsonl"), spending.line());
    }
    let failed = r#"{"type":"assistant","uuid":"a","sessionId":"e","timestamp":"2026-11-20T10:00:00Z","message":{"id":"m-e","role":"assistant","model":"claude-opus-5-5","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"make"}}],"usage":{"input_tokens":1,"output_tokens":1}}}
{"type":"user","uuid":"b","sessionId":"e","timestamp":"2026-11-20T10:00:01Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"make failed"}]}}
"#;
    world.write("alice/error.jsonl", failed);
    let leaked = r#"{"type":"user","uuid":"c","sessionId":"l","timestamp":"2026-11-20T10:00:00Z","message":{"role":"user","content":"use postgres://bob:Xk29dPq8vL1z@db.example.com/x"}}"#;
    world.write("bruno/leak.jsonl", leaked.to_owned() + "\n");
    world.write("alice/fails.jsonl", r#"{"do":"error","message":"no good"}"#);
    let service = world.serve(&[]);
    for processor in ["usage", "errors", "secrets", "probe"] {
        drop(service.run(processor).is(200));
    }
    (world, service)
}

/// The keys of the sessions on a page, in order.
fn keys(page: &Answer) -> Vec<String> {
    let links = page.body.split("href=\"/sessions/one?key=").skip(1);
    let key = |link: &str| link.split('"').next().unwrap().replace("%2F", "/");
    links.map(key).collect()
}

/// The address of the next page.
fn next(page: &Answer) -> Option<String> {
    let (before, _) = page.body.split_once("rel=\"next\"")?;
    let (_, link) = before.rsplit_once("href=\"")?;
    Some(link.split('"').next()?.replace("&amp;", "&"))
}

/// The keys on all pages of a list.
#[track_caller]
fn all(service: &Service, visit: &Visit, target: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut target = Some(target.to_owned());
    while let Some(address) = target {
        let page = visit.get(service, &address).is(200);
        assert!(!page.body.contains("role=\"alert\""), "{}", page.body);
        pages.push(keys(&page));
        target = next(&page);
        assert!(pages.len() < 10, "the pages have no end");
    }
    pages
}

#[test]
fn pages_have_every_session_once_and_the_next_one_has_the_rest() {
    let (_world, service) = serve(120);
    let visit = Visit::of(&service);
    for (target, count) in [
        ("/sessions", 123),
        ("/sessions?sort=attempted", 123),
        // One session has no response.
        ("/sessions?sort=usage.cost_usd", 121),
        ("/sessions?sort=errors.errors&user=alice", 1),
        ("/sessions?usage.project=shop", 60),
    ] {
        let pages = all(&service, &visit, target);
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == 50), "{target}");
        let distinct: BTreeSet<&String> = pages.iter().flatten().collect();
        assert_eq!(pages.iter().flatten().count(), count, "{target}");
        assert_eq!(distinct.len(), count, "{target}");
    }
}

#[test]
fn filters_stand_in_the_address_and_columns_come_from_the_reports_of_plugins() {
    let (_world, service) = serve(20);
    let visit = Visit::of(&service);
    let found = |target: &str| {
        let mut found = all(&service, &visit, target).concat();
        found.sort();
        found
    };
    assert_eq!(found("/sessions?errors.errors=1"), ["alice/error.jsonl"]);
    assert_eq!(found("/sessions?secrets.secrets=1"), ["bruno/leak.jsonl"]);
    assert_eq!(found("/sessions?failing=yes"), ["alice/fails.jsonl"]);
    assert_eq!(found("/sessions?text=LEAK&user=bruno"), ["bruno/leak.jsonl"]);
    assert_eq!(
        found("/sessions?usage.cost_usd=4.5"),
        ["bruno/009.jsonl", "bruno/019.jsonl"]
    );
    assert_eq!(found("/sessions?user=nobody"), [""; 0]);
    assert_eq!(found("/sessions?until=2001-01-01"), [""; 0]);
    let dear = all(&service, &visit, "/sessions?sort=usage.cost_usd").concat();
    assert_eq!(dear[..2], ["bruno/019.jsonl", "bruno/009.jsonl"]);
    let page = visit
        .get(&service, "/sessions?usage.model=OPUS&usage.cost_usd=4")
        .is(200)
        .body;
    for text in [
        "$4.50",
        "claude-opus-5-5",
        "Cost at least",
        "value=\"OPUS\"",
        "docs",
        "<td class=\"number\">4</td>",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
}

#[test]
fn without_reports_the_list_has_what_the_state_knows() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    world.write("alice/bad.jsonl", r#"{"do":"error","message":"no good"}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/sessions").is(200).body;
    for text in ["alice/a.jsonl", "alice/bad.jsonl", "probe fails", "23 bytes"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    assert!(!page.contains("at least"));
    let refused = visit.get(&service, "/sessions?sort=usage.cost_usd").is(200).body;
    assert!(refused.contains("has no column `usage.cost_usd`"), "{refused}");
}

#[test]
fn hostile_keys_and_values_stay_text_and_are_refused_with_a_reason() {
    let world = World::with(&["usage", "probe"]);
    let keys = [
        "a'b/it's \"x\" <script>alert(1)<script>.jsonl",
        "a'b/100%_ &amp; ?key=1#.jsonl",
        "a'b/\u{202e}gnp.jsonl",
    ];
    for key in keys {
        world.write(key, r#"{"do":"error","message":"no good"}"#);
    }
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/sessions").is(200);
    assert_eq!(page.body.matches("/sessions/one?key=").count(), 3, "{}", page.body);
    assert!(!page.body.contains("<script>alert") && !page.body.contains('\u{202e}'));
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    for key in keys {
        let attempts = visit
            .get(&service, &format!("/failures/session?key={}", encoded(key)))
            .is(200)
            .body;
        assert!(
            attempts.contains("no good") && !attempts.contains("<script>alert"),
            "{attempts}"
        );
        drop(
            visit
                .get(&service, &format!("/sessions/forget?key={}", encoded(key)))
                .is(200),
        );
    }
    for value in ["'", "' OR true --", "\0", "\u{202e}", "%", "1e999", "NaN", "\"", ")"] {
        let value = encoded(value);
        for field in [
            "user",
            "text",
            "since",
            "until",
            "sort",
            "usage.cost_usd",
            "usage.model",
            "a.b",
            "x",
        ] {
            let answer = visit.get(&service, &format!("/sessions?{field}={value}"));
            assert!(matches!(answer.status, 200 | 400), "{field}={value}: {}", answer.body);
        }
        for sort in ["", "attempted", "usage.cost_usd"] {
            let target = format!("/sessions?sort={sort}&after={value}&after_key={value}");
            let answer = visit.get(&service, &target);
            assert!(matches!(answer.status, 200 | 400), "{target}: {}", answer.body);
        }
    }
    drop(visit.get(&service, "/sessions?limit=1").is(400));
    assert_eq!(
        visit
            .get(&service, "/sessions")
            .is(200)
            .body
            .matches("/sessions/one?key=")
            .count(),
        3
    );
}

#[test]
fn the_attempts_at_a_session_tell_how_it_fails_and_when_it_is_tried_again() {
    let world = World::with(&["probe", "usage"]);
    let secret = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
    let error = format!(r#"{{"do":"error","message":"no good: {secret} of somebody"}}"#);
    world.write("alice/bad.jsonl", error);
    let service = world.serve(&[
        ("SESSION_HOST_RETRY_BACKOFF_SECONDS", "100"),
        ("SESSION_HOST_RETRY_BACKOFF_MAX_SECONDS", "100"),
    ]);
    drop(service.run("probe").is(200));
    drop(service.run("usage").is(200));
    let visit = Visit::of(&service);
    let page = visit
        .get(&service, "/failures/session?key=alice/bad.jsonl")
        .is(200)
        .body;
    for text in [
        "no good",
        "with the first run after",
        "processed",
        "/processors/usage",
        "Forget this session",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    assert!(!page.contains(&secret), "{page}");
    drop(visit.get(&service, "/failures/session?key=alice/none.jsonl").is(404));
    drop(visit.get(&service, "/failures/session").is(400));
}

#[test]
fn what_would_be_forgotten_is_told_and_then_goes() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":7}"#);
    world.write("alice/b.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/sessions/forget?key=alice/a.jsonl").is(200).body;
    for text in ["probe_rows", ">7<", "session_processor_state", ">1<"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let done = visit.act(&service, "/sessions/forget", "key=alice/a.jsonl").is(303);
    assert_eq!(done.header("location"), Some("/sessions"));
    let list = visit.get(&service, "/sessions").is(200).body;
    assert!(
        list.contains("alice/a.jsonl is forgotten.") && list.contains("alice/b.jsonl"),
        "{list}"
    );
    drop(visit.get(&service, "/sessions/forget?key=alice/a.jsonl").is(404));
    // The name of a user would forget all of that user.
    drop(visit.get(&service, "/sessions/forget?key=alice").is(400));
    drop(visit.act(&service, "/sessions/forget", "key=alice").is(400));
    assert!(visit.get(&service, "/sessions").is(200).body.contains("alice/b.jsonl"));
}

#[test]
fn what_to_process_again_would_cost_is_told_and_then_marked() {
    let world = World::with(&["probe"]);
    for number in 0..3 {
        world.write(&format!("alice/{number}.jsonl"), r#"{"do":"rows","count":1}"#);
    }
    world.write("bruno/0.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let visit = Visit::of(&service);
    let address = "/processors/probe/reprocess";
    let page = visit.get(&service, &format!("{address}?user=alice")).is(200).body;
    for text in [
        "<strong>3</strong>",
        "<strong>69 bytes</strong>",
        "name=\"user\" value=\"alice\"",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let refused = visit.get(&service, &format!("{address}?since=soon")).is(200).body;
    assert!(refused.contains("is no date"), "{refused}");
    drop(visit.get(&service, "/processors/No/reprocess").is(400));
    drop(visit.act(&service, address, "user=alice").is(303));
    let page = visit.get(&service, &format!("{address}?user=alice")).is(200).body;
    assert!(page.contains("or they are marked already"), "{page}");
    let again = service.run("probe").is(200).json();
    assert_eq!(again["details"]["processed"], 3, "{again}");
}

#[test]
fn all_sessions_of_a_cause_are_retried_and_no_others() {
    let world = World::with(&["probe"]);
    for (key, message) in [("a", "line 1 is bad"), ("b", "line 2 is bad"), ("c", "odd")] {
        world.write(
            &format!("alice/{key}.jsonl"),
            format!(r#"{{"do":"error","message":"{message}"}}"#),
        );
    }
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let visit = Visit::of(&service);
    let answer = visit
        .act(&service, "/failures/retry", "processor=probe&like=alice/b.jsonl")
        .is(303);
    assert_eq!(answer.header("location"), Some("/failures?processor=probe"));
    let told = visit.get(&service, "/failures").is(200).body;
    assert!(told.contains("over 2 sessions of one cause has begun"), "{told}");
    let attempts = || {
        let sql = "SELECT list(attempts ORDER BY session_file)::VARCHAR FROM session_processor_failure";
        crate::steps::value(&service, sql)
    };
    session_host_tests::wait_until("both are attempted again", || attempts() == "[2, 2, 1]");
    let page = visit.get(&service, "/processors/probe").is(200).body;
    assert!(
        page.contains("the session failed: ") && page.contains("session=alice/c.jsonl"),
        "{page}"
    );
    drop(
        visit
            .act(&service, "/failures/retry", "processor=probe&like=alice/none.jsonl")
            .is(303),
    );
    let refused = visit.get(&service, "/failures").is(200).body;
    assert!(
        refused.contains("no session fails from this cause any more"),
        "{refused}"
    );
}
